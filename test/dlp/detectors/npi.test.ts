import { findNpi } from "../../../src/dlp/detectors/npi.js";
import { finds } from "./marked.js";

finds(findNpi, [
  "NPI «1234567893»",
  "npi: «1234567893», and more",
  "national provider identifier is «1234567893»",
  "«1234567893» (NPI)",
  "provider npi => «1234567893»",
  "provider id => «1234567893»",
  "1234567893",
  "NPI 1234567890",
  "NPI 3234567893",
  "NPI 12345678930",
  "npi 1700000000",
  "npi 1234567893-1",
  "provider => 1234567893",
  "snpi 1234567893",
]);
