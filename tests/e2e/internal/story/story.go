// Package story is a small system of real clients: a shop and its inventory,
// two HTTP services traced by dd-trace-go that log JSON over Fluent forward,
// and a ledger traced by the OpenTelemetry SDK. One order goes through all.
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	httptrace "github.com/DataDog/dd-trace-go/contrib/net/http/v2"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

// Endpoints are host:port of the collector's listeners.
type Endpoints struct {
	Datadog, Fluent, OTLPGRPC, OTLPHTTP string
	// OverHTTP sends the ledger's spans by OTLP/HTTP instead of gRPC.
	OverHTTP bool
	// Env is what the Datadog services call their environment.
	Env string
	// Tag is put on the order's span under the key "order.note" when not empty.
	Tag string
}

// Services whose spans one order makes.
const (
	Shop      = "shop"
	Inventory = "inventory"
	Ledger    = "ledger"
)

// one tracer is a process's whole: stories are told one after the other.
var telling sync.Mutex

// With a DD_API_KEY in the shell the tracer would tell Datadog about itself,
// past the collector.
func init() { os.Unsetenv("DD_API_KEY") }

// Play sends one order through the three services, waits until every client
// has handed its data to the collector, and returns the order's trace id as 32
// hex digits.
func Play(ctx context.Context, to Endpoints) (traceID string, err error) {
	telling.Lock()
	defer telling.Unlock()

	logs, err := newLogger(to.Fluent)
	if err != nil {
		return "", fmt.Errorf("connect to fluent forward: %w", err)
	}
	defer func() { err = errors.Join(err, logs.Close()) }()

	ledger, flushLedger, err := newLedger(ctx, to)
	if err != nil {
		return "", fmt.Errorf("start the OpenTelemetry SDK: %w", err)
	}
	ledgerServer := httptest.NewServer(ledger)
	defer ledgerServer.Close()

	if err := tracer.Start(
		tracer.WithAgentAddr(to.Datadog), tracer.WithService(Shop), tracer.WithEnv(to.Env), tracer.WithServiceVersion("1.0.0"),
		tracer.WithLogStartup(false), tracer.WithRuntimeMetrics(),
		tracer.WithAnalytics(false),
	); err != nil {
		return "", fmt.Errorf("start dd-trace-go: %w", err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			tracer.Stop()
		}
	}
	defer stop()

	client := httptrace.WrapClient(&http.Client{Timeout: 10 * time.Second})
	inventoryServer := httptest.NewServer(newInventory(client, ledgerServer.URL, logs))
	defer inventoryServer.Close()
	shopServer := httptest.NewServer(newShop(client, inventoryServer.URL, to.Tag, logs))
	defer shopServer.Close()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, shopServer.URL+"/order", http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("order: %w", err)
	}
	defer resp.Body.Close()
	id, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("order: status %d: %s (%w)", resp.StatusCode, id, err)
	}
	tracer.Flush()
	stop()
	return string(id), flushLedger(ctx)
}
