"""What a report says of a certificate, in finished words and numbers; text, Markdown, HTML and JUnit lay it out."""
