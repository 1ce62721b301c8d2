package storage

import (
	"net/url"
	"strings"
)

// WithoutSecrets cuts user, password and query, where a signature may be, from what is a URL, for messages and logs.
// Of an address that has no host such as one has, or one that may be the beginning of a password that was not escaped,
// nothing but the scheme is left.
// Paths stay as they are.
func WithoutSecrets(location string) string {
	scheme, rest, ok := strings.Cut(location, "://")
	if !ok {
		return location
	}
	whole := rest
	rest, _, _ = strings.Cut(rest, "?")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if strings.Contains(host, ":") && !strings.Contains(host, "@") && strings.Contains(whole[len(host):], "@") {
		return scheme + "://…" // a password with / ? or # in it, of which the beginning looks like a port
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	if _, err := url.Parse("//" + host); err != nil {
		return scheme + "://…"
	}
	return scheme + "://" + host + path
}
