package admission

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

const (
	pressureFor = 15 * time.Second // so long before it says not ready
	calmFor     = 10 * time.Second // and so long before it is ready again
	lookEvery   = time.Second
)

// pressure decides from looks at the decoding pool, one each lookEvery, whether requests should go elsewhere: over
// pressureFor, somebody waited without pause or more requests were refused than let in.
type pressure struct {
	looks []admission.Usage // the last pressureFor of them
	calm  time.Duration
	is    bool
}

func (p *pressure) look(u admission.Usage) bool {
	first := u
	if len(p.looks) > 0 {
		first = p.looks[0]
	}
	p.looks = append(p.looks, u)
	if len(p.looks) > int(pressureFor/lookEvery) {
		p.looks = p.looks[1:]
	}
	refused, granted := u.Refused-first.Refused, u.Granted-first.Granted
	high := u.ShortFor >= pressureFor || (len(p.looks) >= int(pressureFor/lookEvery) && refused > granted)
	last := u
	if n := len(p.looks); n > 1 {
		last = p.looks[n-2]
	}
	if u.Waiting == 0 && u.Refused == last.Refused {
		p.calm += lookEvery
	} else {
		p.calm = 0
	}
	switch {
	case high:
		p.is = true
	case p.calm >= calmFor:
		p.is = false
	}
	return p.is
}

// readiness serves whether new requests should come here. Liveness is another endpoint's and never depends on this.
type readiness struct {
	server *http.Server
	addr   net.Addr
	stop   chan struct{}
	ended  chan struct{}
}

func startReadiness(endpoint string, pools *admission.Pools, log *zap.Logger) (*readiness, error) {
	l, err := net.Listen("tcp", endpoint)
	if err != nil {
		return nil, fmt.Errorf("listen on readiness::endpoint %s: %w", endpoint, err)
	}
	r := &readiness{addr: l.Addr(), stop: make(chan struct{}), ended: make(chan struct{}, 2)}
	r.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if reasons := pools.UnreadyReasons(); len(reasons) > 0 {
				http.Error(w, "not ready: "+strings.Join(reasons, "; "), http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write([]byte("ready\n"))
		}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second,
		MaxHeaderBytes: 8 << 10,
	}
	pools.Watch(r.server, "readiness")
	go func() {
		defer func() { r.ended <- struct{}{} }()
		if err := r.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("stopped serving readiness", zap.Error(err))
		}
	}()
	go func() {
		defer func() { r.ended <- struct{}{} }()
		r.watch(pools)
	}()
	return r, nil
}

func (r *readiness) watch(pools *admission.Pools) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var p pressure
	var done func()
	for {
		select {
		case <-r.stop:
			if done != nil {
				done()
			}
			return
		case <-tick.C:
			switch is := p.look(pools.Decoding.Usage()); {
			case is && done == nil:
				done = pools.Unready("requests wait for memory or are refused for want of it")
			case !is && done != nil:
				done()
				done = nil
			}
		}
	}
}

func (r *readiness) shutdown(ctx context.Context) error {
	close(r.stop)
	err := r.server.Shutdown(ctx)
	for range cap(r.ended) {
		<-r.ended
	}
	return err
}
