module countersign.example/verifier

go 1.22
