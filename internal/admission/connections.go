package admission

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// What an open connection is priced at. 4 000 idle ones of each kind on the shipped binary took 6.8 KB (silent), 10.2 KB (in
// the middle of HTTP headers) and 17.7 KB (gRPC) each.
const (
	// RawConnectionBytes is a socket, its goroutine and a small buffer.
	RawConnectionBytes = 8 << 10
	// HTTPConnectionBytes is one of net/http with its two 4 KiB buffers.
	HTTPConnectionBytes = 12 << 10
	// GRPCConnectionBytes is one of grpc-go with its buffers, HPACK tables and three goroutines.
	GRPCConnectionBytes = 20 << 10
)

// Connections counts and prices what is open, over all listeners that ask it.
type Connections struct {
	pools *Pools

	mu                     sync.Mutex
	open, most, perAddress int
	bytes, mostBytes       int64
	byAddress              map[netip.Addr]int
}

func (c *Connections) resize(most int, mostBytes int64, perAddress int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most, c.mostBytes, c.perAddress = most, mostBytes, perAddress
}

// Open returns how many connections are open and what they are priced at.
func (c *Connections) Open() (connections int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.bytes
}

// Connection is an open connection's place in the count.
type Connection struct {
	of      *Connections
	address netip.Addr // invalid: does not count
	bytes   int64
	once    sync.Once
}

// Enter counts a connection of peer, which is priced at n bytes, or refuses it. The error is a *Refusal.
func (c *Connections) Enter(peer net.Addr, n int64) (*Connection, error) {
	e := &Connection{of: c, bytes: n}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.most {
		return nil, RefuseForNow(ReasonConnections, "%d connections are open, as many as max_connections allows", c.open)
	}
	if c.bytes+n > c.mostBytes {
		return nil, RefuseForNow(ReasonConnections, "%d connections are open and priced at %d bytes of memory, as much as max_connection_bytes allows", c.open, c.bytes)
	}
	if c.perAddress > 0 {
		if e.address = countedAddress(peer); e.address.IsValid() {
			if c.byAddress[e.address] >= c.perAddress {
				return nil, RefuseForNow(ReasonAddress, "%d connections are open from one address, as many as max_connections_per_address allows", c.perAddress)
			}
			if c.byAddress == nil {
				c.byAddress = make(map[netip.Addr]int)
			}
			c.byAddress[e.address]++
		}
	}
	c.open++
	c.bytes += n
	return e, nil
}

// Leave ends it. Leaving again does nothing.
func (e *Connection) Leave() {
	e.once.Do(func() {
		c := e.of
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open--
		c.bytes -= e.bytes
		if e.address.IsValid() {
			if c.byAddress[e.address]--; c.byAddress[e.address] <= 0 {
				delete(c.byAddress, e.address)
			}
		}
	})
}

// countedAddress is what connections per address are counted by: an IPv4 address, or the /64 an IPv6 one is of, which is what
// one host gets. Loopback and Unix sockets are nobody's.
func countedAddress(peer net.Addr) netip.Addr {
	if peer == nil {
		return netip.Addr{}
	}
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil || at.Addr().IsLoopback() {
		return netip.Addr{}
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}

// Listener returns l with its connections counted as name's: those over the limits are closed as soon as they are accepted.
// It is for protocols of one's own. An http.Server uses Watch, which leaves TLS connections what they are.
func (p *Pools) Listener(l net.Listener, name string) net.Listener {
	return &listener{Listener: l, pools: p, name: name}
}

type listener struct {
	net.Listener
	pools *Pools
	name  string
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		place, err := l.pools.Connections.Enter(conn.RemoteAddr(), RawConnectionBytes)
		if err == nil {
			return &countedConn{Conn: conn, place: place}, nil
		}
		_ = conn.Close()
		l.pools.Report(Event{Listener: l.name, Refusal: AsRefusal(err), Peer: conn.RemoteAddr().String()})
	}
}

type countedConn struct {
	net.Conn
	place *Connection
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.place.Leave()
	return c.Conn.Close()
}

// NetConn returns the connection that was accepted, as tls.Conn's does.
func (c *countedConn) NetConn() net.Conn { return c.Conn }

// Watch counts the connections of server, before it serves, as name's, and closes those over the limits.
func (p *Pools) Watch(server *http.Server, name string) {
	var places sync.Map // net.Conn -> *Connection
	next := server.ConnState
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			place, err := p.Connections.Enter(conn.RemoteAddr(), HTTPConnectionBytes)
			if err != nil {
				_ = conn.Close()
				p.Report(Event{Listener: name, Refusal: AsRefusal(err), Peer: conn.RemoteAddr().String()})
				break
			}
			places.Store(conn, place)
		case http.StateHijacked, http.StateClosed:
			if place, ok := places.LoadAndDelete(conn); ok {
				place.(*Connection).Leave()
			}
		}
		if next != nil {
			next(conn, state)
		}
	}
}
