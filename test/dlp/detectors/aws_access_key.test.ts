import { findAwsAccessKey } from "../../../src/dlp/detectors/aws_access_key.js";
import { finds } from "./marked.js";

finds(findAwsAccessKey, [
  "«AKIAIOSFODNN7EXAMPLE»",
  "AWS_ACCESS_KEY_ID=«ASIAIOSFODNN7EXAMPLE» x",
  "key_«AKIAIOSFODNN7EXAMPLE»",
  "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
  "aws secret access key => «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  "secret key da39a3ee5e6b4b0d3255bfef95601890afd80709",
  "AKIAIOSFODNN7EXAMPL",
  "AKIAIOSFODNN7EXAMPLES",
  "xAKIAIOSFODNN7EXAMPLE",
  "akiaiosfodnn7example",
  "AROAIOSFODNN7EXAMPLE",
]);
