# Darkroom's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up example reset demo test test-quick coverage stress check audit format lock bench planner-eval build sam-env invoke token invite deploy destroy doctor cost clean
SHELL := /bin/sh
export SAM_CLI_TELEMETRY := 0
# Compiled once and kept out of the folders that are packed for Lambda: half of what a process takes to start.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.local/pycache

PY := .venv/bin/python
# In an environment to itself, see local/setup_sam.sh.
SAM := .venv-sam/bin/sam
# What is deployed, for the commands that ask about it.
DEPLOYED = --env $(or $(ENV),default) --stack "$(STACK)" --parameters "$(PARAMETERS)"
# Lambda takes an image and no index of one, which is what BuildKit makes of an image with attestations.
export BUILDX_NO_DEFAULT_ATTESTATIONS := 1
# What the image is built with, which the stack is told, too.
BUILT_WITH = $(strip $(PARAMETERS) $(if $(MODELS),CutoutModels=$(MODELS)) $(if $(MATTING),Matting=$(MATTING)))
PORT ?=
MODEL ?=
# Two for each core of a small machine: half of what the tests do is waiting.
WORKERS ?= 4

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start the whole of Darkroom on this machine, as it was left (PORT=8000, MODEL=u2net|u2netp)
	@sh local/setup.sh local
	@PORT=$(PORT) MODEL=$(MODEL) exec $(PY) -m local.up

reset: ## Forget what `make up` has kept, after asking (YES=1 without)
	@sh local/setup.sh local
	@$(PY) -m local.reset $(if $(YES),--yes)

demo: ## Cut out a photograph (PHOTO=…) and save the result beside it
	@sh local/setup.sh local
	@MODEL=$(MODEL) $(PY) -m local.demo $(PHOTO)

example: ## Run the code blocks of a page of docs/ at the stack of `make up` (NAME=first-picture; without, list them)
	@sh local/setup.sh local
	@$(PY) -m local.examples $(NAME)

test: ## Set up and run all tests (WORKERS=4 processes, 0 for none)
	@sh local/setup.sh dev
	@sh local/setup_javascript.sh
	@sh local/setup_clients.sh
	@$(PY) functions/remove_background/fetch_weights.py .local/weights u2netp
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -o console_output_style=classic

test-quick: ## Run the unit and contract tests alone
	@sh local/setup.sh dev
	$(PY) -m pytest tests/unit tests/contract tests/template

coverage: ## Measure which lines the unit and contract tests reach, at moto, too
	@sh local/setup.sh dev
	DARKROOM_MOTO=1 $(PY) -m pytest tests/unit tests/contract -n $(WORKERS) --dist loadfile -o console_output_style=classic --cov --cov-report=term --cov-report=xml:.local/coverage.xml

stress: ## Repeat the money tests many times over, and try sixteen times the examples of each law and route
	@sh local/setup.sh dev
	DARKROOM_STRESS=1 $(PY) -m pytest tests/stress tests/unit/functions/test_any_request.py tests/contract/test_ledger_law.py tests/integration/test_ledger_concurrency.py --no-cov -q
	DARKROOM_STRESS=1 $(PY) -m pytest tests/unit tests/contract -m hypothesis -n $(WORKERS) --no-cov -q

check: ## Check format, lint, types, import rules and the template
	@sh local/setup.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	@sh local/setup_sam.sh
	$(SAM) validate --lint

audit: ## Look over the template with checkov, which .checkov.yaml says the exceptions of
	@sh local/setup.sh dev
	$(PY) -m uv tool run --from checkov==3.3.30 checkov --config-file .checkov.yaml

format: ## Format and mend what can be mended by itself
	@sh local/setup.sh dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: ## Resolve the lock anew, and the requirements of the layer and the image from it
	@sh local/setup.sh dev
	@sh local/lock.sh

bench: ## Measure: background removal against rembg, operations against Pillow, a generation's processor time, cold starts
	@sh local/setup.sh dev
	@$(PY) functions/remove_background/fetch_weights.py .local/weights u2netp
	$(PY) -m benchmarks.background_removal
	$(PY) -m benchmarks.operations
	$(PY) -m benchmarks.generation
	$(PY) -m benchmarks.cold_start

planner-eval: ## Have a planner's model plan the labelled sentences, and score it; costs money, and asks first (MODEL=, YES=1)
	@sh local/setup.sh dev
	@$(PY) -m local.planner_eval $(if $(filter command environment,$(origin MODEL)),$(MODEL)) $(if $(YES),--yes)

weights: ## Fetch and check the weights of a segmentation model (MODEL=isnet-general-use, FROM=folder, https://… or s3://…, SHA256=)
	@sh local/setup.sh local
	@$(PY) functions/remove_background/fetch_weights.py .local/weights $(or $(MODEL),u2net) $(if $(FROM),--from "$(FROM)") $(if $(SHA256),--sha256 $(SHA256))

build: ## Build functions, layer and image for Lambda (needs Python 3.13 and Docker; MODELS=u2net,… MATTING=true, or PARAMETERS=)
	@sh local/setup.sh local
	@sh local/setup_sam.sh
	@# SAM's cache knows the code by its digest, and nothing of the recipe.
	@test layers/Makefile -ot .aws-sam/build.toml || rm -rf .aws-sam/cache .aws-sam/build.toml
	$(SAM) build $(BUILD_ARGS) $(if $(BUILT_WITH),--parameter-overrides $(BUILT_WITH))

sam-env: ## Prepare `sam local invoke` and `sam local start-api` on what `make up` runs (EVENT= for one event, else all)
	@sh local/setup.sh local
	@sh local/setup_sam.sh
	@$(PY) -m local.sam_env $(EVENT)

invoke: ## Run one function on one event, in Docker if there is one (FUNCTION=Jobs EVENT=events/jobs_list.json)
	@sh local/setup.sh local
	@sh local/setup_sam.sh
	@$(PY) -m local.invoke $(FUNCTION) $(EVENT)

token: ## Make an API token (USER=name, STACK=name for a deployed stack)
	@sh local/setup.sh local
	@$(PY) -m local.token "$(if $(filter command line,$(origin USER)),$(USER),local)" $(if $(STACK),--stack $(STACK))

invite: ## Print a one-time sign-in link (USER=name, STACK=name for a deployed stack)
	@sh local/setup.sh local
	@$(PY) -m local.invite "$(if $(filter command line,$(origin USER)),$(USER),local)" $(if $(STACK),--stack $(STACK))

deploy: ## Look, build, deploy to your AWS account, and tell what comes next (ENV=default|prod, STACK=, PARAMETERS='A=1 B=2')
	@sh local/setup.sh local
	@sh local/setup_sam.sh
	@$(PY) -m local.deployed.preflight $(DEPLOYED) --build-arguments "$(BUILD_ARGS)"
	@$(MAKE) --no-print-directory build
	@$(PY) -m local.deployed.snap_start $(DEPLOYED)
	$(SAM) deploy --config-env $(or $(ENV),default) $(if $(STACK),--stack-name $(STACK)) $(if $(BUILT_WITH),--parameter-overrides $(BUILT_WITH)) $(DEPLOY_ARGS)
	@$(PY) -m local.deployed.next_steps $(DEPLOYED) --user "$(if $(filter command line,$(origin USER)),$(USER),owner)"

destroy: ## Take a deployed stack down with all that it keeps; asks twice (ENV=default|prod, STACK=)
	@sh local/setup.sh local
	@sh local/setup_sam.sh
	@$(PY) -m local.deployed.destroy $(DEPLOYED)

doctor: ## Look for what could be wrong on this machine (AWS=1: and in the AWS account that would be deployed to)
	@sh local/setup.sh local
	@$(PY) -m local.doctor $(if $(AWS),--aws) $(DEPLOYED)

cost: ## Compute what an idle month and a thousand of each kind of work cost (PARAMETERS='A=1 B=2')
	@sh local/setup.sh local
	@$(PY) -m local.costs $(PARAMETERS)

clean: ## Remove everything that these commands made, and what `make up` has kept
	rm -rf tests/clients/javascript/node_modules .venv .venv-sam .venv-clients .local .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
