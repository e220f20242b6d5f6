import { findSsn } from "../../../src/dlp/detectors/ssn.js";
import { finds } from "./marked.js";

finds(findSsn, [
  "«123-45-6789»",
  "her number is «123 45 6789», he said",
  "SSN: «123456789»",
  "ssn=«123456789»",
  "the social security number of Jane is «123456789»",
  "«123456789» (ssn)",
  "patient ssn => «123456789»",
  "social security number => «123456789»",
  "123456789",
  "000-12-3456",
  "666-12-3456",
  "900-12-3456",
  "123-00-4567",
  "123-45-0000",
  "ssn 000123456",
  "123-456789",
  "123-45 6789",
  "ORD-123-45-6789",
  "123-45-6789-0",
  "1123-45-6789",
  "10 123 45 6789",
  "lessness 123456789",
]);
