import { findMrn } from "../../../src/dlp/detectors/mrn.js";
import { finds } from "./marked.js";

finds(findMrn, [
  "MRN «00123456»",
  "mrn: «A1234567», admitted",
  "MRN#«123456»",
  "mrn-«A1234567»",
  '{"mrn":"«A1234567»"}',
  "medical record number «12345678»",
  "Medical Record No. «12345678»",
  "medical_record_id=«X99-12345»",
  "patient id is «PT12345678»",
  "patient_id: «1234567»",
  "mrn => «A1234567»",
  "patient id => «1234567»",
  "A1234567",
  "mrn: unknown",
  "mrn => unknown",
  "MRN 12345",
  "MRN 1234567890123",
  "patient id: 550e8400-e29b-41d4-a716-446655440000",
  "medical records of 2024 patients",
  "inpatient idea 1234567",
]);
