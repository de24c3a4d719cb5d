"""The instance that official W3C suites speak to; its policy is not the product's (CONTRACT, VC-API instance)."""
