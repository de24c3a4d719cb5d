.PHONY: check demo bench
check:
	python -m tools.check
demo:
	agentdid demo
bench:
	python -m bench verify
