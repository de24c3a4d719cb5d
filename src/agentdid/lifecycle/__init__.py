"""An agent from its first key to its last: provisioned, reviewed, renewed and retired."""
