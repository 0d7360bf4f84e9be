resource "aws_dynamodb_table" "retries" {
  name         = $table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = $key$range_key
$attributes
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
}
