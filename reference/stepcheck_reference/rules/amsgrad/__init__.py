"""AMSGrad."""
