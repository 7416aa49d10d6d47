package fluentreceiver

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/handshake"
)

// SecurityConfig is what clients must know. The names are Fluentd's.
type SecurityConfig struct {
	// SelfHostname is this server's name in the handshake, which no client may have. Empty: the name of the machine.
	SelfHostname string `mapstructure:"self_hostname"`
	// SharedKey is the key of clients that are in none of Clients.
	SharedKey configopaque.String `mapstructure:"shared_key"`
	// Users may send. Empty: no user is asked for.
	Users []UserConfig `mapstructure:"users"`
	// Clients have rules of their own, by address; the first that matches counts.
	Clients []ClientConfig `mapstructure:"clients"`
	// AllowAnonymous lets in, with SharedKey, clients that are in none of Clients.
	AllowAnonymous bool `mapstructure:"allow_anonymous"`
}

// UserConfig is a user.
type UserConfig struct {
	Username string              `mapstructure:"username"`
	Password configopaque.String `mapstructure:"password"`
}

// ClientConfig is a rule for clients of a network.
type ClientConfig struct {
	// Network is an address or a prefix, such as 10.0.0.0/8.
	Network string `mapstructure:"network"`
	// SharedKey of these clients. Empty: that of all.
	SharedKey configopaque.String `mapstructure:"shared_key"`
	// Users are the names of those users that these clients may be. Empty: all.
	Users []string `mapstructure:"users"`
}

func (c *SecurityConfig) validate() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("security::"+format, args...)) }
	if c.SharedKey == "" && (c.AllowAnonymous || len(c.Clients) == 0) {
		wrong("shared_key must be set, unless allow_anonymous is false and every client has one")
	}
	known := make(map[string]bool)
	for i, u := range c.Users {
		switch {
		case u.Username == "":
			wrong("users::%d::username must be set", i)
		case known[u.Username]:
			wrong("users::%d::username %q stands there twice", i, u.Username)
		case u.Password == "":
			wrong("users::%d::password must be set", i)
		}
		known[u.Username] = true
	}
	for i, client := range c.Clients {
		if _, err := prefix(client.Network); err != nil {
			wrong("clients::%d::network must be an address or a prefix, got %q", i, client.Network)
		}
		if client.SharedKey == "" && c.SharedKey == "" {
			wrong("clients::%d::shared_key must be set: there is no shared_key for all", i)
		}
		for _, name := range client.Users {
			if !known[name] {
				wrong("clients::%d::users must be names of security::users, got %q", i, name)
			}
		}
	}
	return errs
}

func prefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// rule is what the clients of a network must know.
type rule struct {
	network netip.Prefix
	policy  handshake.Policy
}

// policies returns what a client at an address must know.
func (c *SecurityConfig) policies() (func(net.Addr) (*handshake.Policy, bool), error) {
	hostname := c.SelfHostname
	if hostname == "" {
		var err error
		if hostname, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("security::self_hostname is not set, and the machine has no name: %w", err)
		}
	}
	users := make(map[string]string, len(c.Users))
	for _, u := range c.Users {
		users[u.Username] = string(u.Password)
	}
	all := handshake.Policy{Hostname: hostname, SharedKey: string(c.SharedKey), Users: users}
	rules := make([]rule, len(c.Clients))
	for i, client := range c.Clients {
		network, err := prefix(client.Network)
		if err != nil {
			return nil, err
		}
		rules[i] = rule{network, all}
		if client.SharedKey != "" {
			rules[i].policy.SharedKey = string(client.SharedKey)
		}
		if len(client.Users) > 0 {
			rules[i].policy.Users = make(map[string]string, len(client.Users))
			for _, name := range client.Users {
				rules[i].policy.Users[name] = users[name]
			}
		}
	}
	return func(peer net.Addr) (*handshake.Policy, bool) {
		if tcp, ok := peer.(*net.TCPAddr); ok {
			addr := tcp.AddrPort().Addr().Unmap()
			for i := range rules {
				if rules[i].network.Contains(addr) {
					return &rules[i].policy, true
				}
			}
		}
		return &all, c.AllowAnonymous
	}, nil
}
