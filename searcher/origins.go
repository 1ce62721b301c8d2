package searcher

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// CheckOrigins refuses what no browser sends as an origin, whatever its form. A host may begin with "*.", which stands
// for its subdomains.
func CheckOrigins(origins []string) error {
	_, err := browserOrigins(origins)
	return err
}

// browserOrigins brings origins to the form in which browsers send them: a host that is not ASCII in Punycode, a port
// only where it is not the scheme's own (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin).
func browserOrigins(origins []string) ([]string, error) {
	sent := make([]string, len(origins))
	for i, origin := range origins {
		var ok bool
		if sent[i], ok = browserOrigin(origin); !ok {
			return nil, fmt.Errorf(`%q is no origin: name scheme and host, such as "https://shop.example", or "https://*.shop.example" for its subdomains, or "*"`, origin)
		}
	}
	return sent, nil
}

func browserOrigin(origin string) (sent string, ok bool) {
	if origin == "*" {
		return origin, true
	}
	plain := strings.Replace(origin, "://*.", "://", 1) // what Fiber reads, which panics at anything else
	u, err := url.Parse(plain)
	if err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || strings.Trim(u.Hostname(), ".") == "" ||
		strings.ContainsAny(u.Host, "*,") || u.Scheme+"://"+u.Host != plain {
		return "", false
	}
	host, port := strings.TrimSuffix(u.Host, ":"+u.Port()), ""
	if u.Port() != "" {
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return "", false
		}
		if n != map[string]uint64{"http": 80, "https": 443}[u.Scheme] {
			port = ":" + strconv.FormatUint(n, 10)
		}
	}
	if len(host) != utf8.RuneCountInString(host) {
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", false
		}
	}
	sent = u.Scheme + "://" + host + port
	if plain != origin {
		sent = u.Scheme + "://*." + host + port
	}
	return sent, true
}
