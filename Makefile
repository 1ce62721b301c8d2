# Kleid's build. Go is all that building, the demo and most tests need.

REFERENCE ?= ../shared/data# labelled real photos; without them the weights come from painted dresses alone
TEACHER   ?= ../shared/weights/inception_v3_mixed8.f16.safetensors# a network that the trunk learns to see real photos like
WORK      ?= build/weights#   checkpoints of `make weights`: it goes on where it stopped
ARGS      ?=#                 more arguments for demo, bench and bench-peers

version := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
flags   := -trimpath -ldflags '-s -w -X main.version=$(version)'
lint    := go tool -modfile=tools/go.mod golangci-lint

.PHONY: build build-xla demo test test-long test-arm64 lint bench bench-peers weights test-tools

build: ## bin/kleid, pure Go
	@CGO_ENABLED=0 go build $(flags) -o bin/kleid ./cmd/kleid

build-xla: ## bin/kleid with XLA as a backend; needs a C compiler, and at run time XLA's plugin
	CGO_ENABLED=1 go build -tags xla $(flags) -o bin/kleid ./cmd/kleid

demo: build ## paint a catalogue, index it and serve it; ARGS="--once --json" measures
	@bin/kleid demo $(ARGS)

test: test-tools ## everything, in less than 20 minutes on 2 cores
	go vet ./...
	go test ./... -timeout 20m
	@scripts/race

test-long: test-tools ## the same with the race detector, more photos, every fuzz target for a minute, and arm64; takes hours
	go test ./... -race -count=1 -timeout 120m
	KLEID_LONG=1 go test ./models -run OnAllPhotos -count=1 -timeout 120m
	scripts/fuzz 1m
	scripts/arm64

test-arm64: ## compute's tests as arm64 code, under QEMU
	scripts/arm64

test-tools: # what some tests use besides Go; without it they are skipped, and say so
	@scripts/test-tools

lint:
	$(lint) run --allow-parallel-runners

bench: build ## images a second on this machine
	bin/kleid bench embed $(ARGS)
	bin/kleid bench index $(ARGS)
	go test ./... -run '^$$' -bench . -benchtime 1x

bench-peers: ## the networks beside other runtimes, in one run
	scripts/bench-peers $(ARGS)

weights: build ## the shipped weights, from nothing
	bin/kleid train all $(if $(wildcard $(REFERENCE)),--reference $(REFERENCE) --triplets datasets/judged/triplets.csv --dresses datasets/judged/dresses.csv $(if $(wildcard $(TEACHER)),--teacher $(TEACHER))) --ema 0.998 --work $(WORK)
	cp $(WORK)/model.safetensors models/weights/kleid-s.safetensors
