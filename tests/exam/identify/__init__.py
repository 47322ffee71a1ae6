"""The exam of identification: variants as code, and rules that are none."""
