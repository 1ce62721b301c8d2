# The program alone, without a shell: docker compose builds it from this checkout.
FROM golang:1.26.0-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=container
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /kleid ./cmd/kleid

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /kleid /kleid
# The folder of the index belongs to the user that the program runs as; a new volume takes that over.
COPY --from=build --chown=nonroot:nonroot /src/deploy/empty /index
# Models of a registry are kept here: all plans make /tmp a place that can be written to.
ENV XDG_CACHE_HOME=/tmp
ENTRYPOINT ["/kleid"]
