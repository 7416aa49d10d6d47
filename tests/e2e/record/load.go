package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	loadRequests = 620
	loadWorkers  = 4
	loadPace     = 40 * time.Millisecond // so that a tracer that sends every other second sends about ten times
)

var words = []string{"lamp", "desk", "chair", "blue", "oak", "summer", "sale", "kids", "outdoor", "led", "café", "größe"}

// load sends the app at base the same list of requests each time.
func load(base string) error {
	rnd := rand.New(rand.NewPCG(7, 11))
	list := make(chan *http.Request)
	var wg sync.WaitGroup
	for range loadWorkers {
		wg.Go(func() {
			for req := range list {
				if resp, err := http.DefaultClient.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}
		})
	}
	defer wg.Wait()
	defer close(list)
	for i := range loadRequests {
		req, err := oneRequest(rnd, base)
		if err != nil {
			return err
		}
		if i%5 == 0 { // continues a trace of somebody else's
			req.Header.Set("traceparent", fmt.Sprintf("00-%016x%016x-%016x-01", rnd.Uint64(), rnd.Uint64()|1, rnd.Uint64()|1))
			req.Header.Set("tracestate", "dd=s:1;o:rum,other=1")
		}
		list <- req
		time.Sleep(loadPace)
	}
	return nil
}

func oneRequest(rnd *rand.Rand, base string) (*http.Request, error) {
	method, path, body := http.MethodGet, "", ""
	switch n := rnd.IntN(100); {
	case n < 35:
		path = fmt.Sprintf("/orders/%d?page=%d&sort=%s", rnd.IntN(1e6), rnd.IntN(40), words[rnd.IntN(len(words))])
	case n < 55:
		method, path = http.MethodPost, "/orders"
		body = fmt.Sprintf(`{"user":%d,"article":%d,"count":%d}`, rnd.IntN(9000), rnd.IntN(5000), 1+rnd.IntN(9))
	case n < 72:
		path = fmt.Sprintf("/search?q=%s+%s&max=%d", words[rnd.IntN(len(words))], words[rnd.IntN(len(words))], rnd.IntN(100))
	case n < 82:
		path = fmt.Sprintf("/fail/%s?code=%d", []string{"value", "timeout", "nested"}[rnd.IntN(3)], rnd.IntN(1000))
	case n < 90:
		path = fmt.Sprintf("/report/2026-%02d-%02d?user=u%d", 1+rnd.IntN(12), 1+rnd.IntN(28), rnd.IntN(9000))
	default:
		path = fmt.Sprintf("/users/%08x-%04x-4%03x-8%03x-%012x/profile", rnd.Uint32(), rnd.IntN(1<<16), rnd.IntN(1<<12), rnd.IntN(1<<12), rnd.Int64N(1<<48))
	}
	req, err := http.NewRequest(method, base+path, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (shop; build %d)", rnd.IntN(400)))
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", rnd.IntN(256)))
	return req, nil
}
