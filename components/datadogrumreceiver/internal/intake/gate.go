package intake

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/limit"
)

// gate decides who may come in: by client token, by rate.
type gate struct {
	tokens  map[string]TokenConfig
	proxies []netip.Prefix
	byToken *limit.Buckets
	byIP    *limit.Buckets
}

func newGate(set *Settings) (*gate, error) {
	g := &gate{
		tokens:  set.Tokens,
		byToken: limit.New(set.RateLimit.PerToken, set.RateLimit.MaxKeys),
		byIP:    limit.New(set.RateLimit.PerIP, set.RateLimit.MaxKeys),
	}
	for _, network := range set.TrustedProxies {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return nil, err
		}
		g.proxies = append(g.proxies, prefix.Masked())
	}
	return g, nil
}

// client returns the address of who sent the request: the peer, or the last
// address in X-Forwarded-For that no trusted proxy put there for another one.
func (g *gate) client(req *http.Request) netip.Addr {
	peer := parseAddr(req.RemoteAddr)
	if !g.trusted(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(req.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := parseAddr(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		peer = hop
		if !g.trusted(hop) {
			break
		}
	}
	return peer
}

func (g *gate) trusted(ip netip.Addr) bool {
	for _, prefix := range g.proxies {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port; the zero Addr when it is none.
func parseAddr(s string) netip.Addr {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

// allowIP takes one request from the address' bucket. A household has a whole
// IPv6 /64, so it shares one.
func (g *gate) allowIP(ip netip.Addr, now time.Time) bool {
	if g.byIP == nil {
		return true
	}
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			ip = prefix.Addr()
		}
	}
	b := ip.As16()
	return g.byIP.Allow(digest.Of("ip", string(b[:])), now)
}

func (g *gate) allowToken(token string, now time.Time) bool {
	return g.byToken.Allow(digest.Of("token", token), now)
}

// token finds the client token of a call: browsers put it in the query, mobile SDKs in a header.
func token(c *call, req *http.Request) string {
	if t := c.query.Get("dd-api-key"); t != "" {
		return t
	}
	if t := req.Header.Get("DD-API-KEY"); t != "" {
		return t
	}
	return req.Header.Get("DD-CLIENT-TOKEN")
}

// admit looks the token up. Without a list every token may send.
func (g *gate) admit(token string) (TokenConfig, bool) {
	if len(g.tokens) == 0 {
		return TokenConfig{}, true
	}
	cfg, ok := g.tokens[token]
	return cfg, ok
}
