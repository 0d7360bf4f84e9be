resource "aws_s3_bucket" "retries" {
  bucket = $bucket
}

resource "aws_s3_bucket_lifecycle_configuration" "retries" {
  bucket = aws_s3_bucket.retries.id

  rule {
    id     = "remove-old-attempts"
    status = "Enabled"

    filter {
      prefix = $prefix
    }

    expiration {
      days = $days
    }
  }
}
