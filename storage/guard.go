package storage

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// notPublic are the addresses of the IANA special-purpose registries (RFC 6890 and its successors) that
// no photo of the public internet has: this network, private ones, carrier NAT, loopback, link-local
// (where clouds keep their credentials), tests, multicast, and the IPv6 forms that lead back to IPv4.
var notPublic = func() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23",     // protocol assignments, with Teredo
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4
		"3fff::/20",     // documentation
		"5f00::/16",     // segment routing
	} {
		prefixes = append(prefixes, netip.MustParsePrefix(p))
	}
	return prefixes
}()

// global is all that has been given out of IPv6; loopback, link-local, unique local, multicast, NAT64
// and IPv4-compatible addresses lie outside.
var global = netip.MustParsePrefix("2000::/3")

// isPublic says whether an address belongs to the public internet.
func isPublic(address netip.Addr) bool {
	address = address.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	if !address.IsValid() || address.Zone() != "" || address.Is6() && !global.Contains(address) {
		return false
	}
	return !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(address) })
}

// guard returns the Control of a net.Dialer. It sees the address that is really connected to, after DNS:
// so neither a redirect nor a name that changes its address between check and use can get past it.
func guard(allowed func(netip.AddrPort) bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: the address %q", ErrForbidden, address)
		}
		if !allowed(at) {
			return fmt.Errorf("%w: %s is not an address of the public internet", ErrForbidden, at.Addr())
		}
		return nil
	}
}
