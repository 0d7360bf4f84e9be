"""The AWS client, its errors, and what is known of functions and log groups."""
