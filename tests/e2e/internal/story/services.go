package story

import (
	"fmt"
	"net/http"

	httptrace "github.com/DataDog/dd-trace-go/contrib/net/http/v2"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

// newShop takes an order, asks the inventory, and answers with the trace id.
func newShop(client *http.Client, inventory, note string, logs *logger) http.Handler {
	mux := httptrace.NewServeMux(httptrace.WithService(Shop))
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		span, ctx := tracer.StartSpanFromContext(r.Context(), "shop.order", tracer.ResourceName("order"))
		defer span.Finish()
		if note != "" {
			span.SetTag("order.note", note)
		}
		logs.Info(ctx, Shop, "order received")
		if err := call(client, r.WithContext(ctx), inventory+"/reserve"); err != nil {
			span.SetTag(ext.Error, err)
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		logs.Info(ctx, Shop, "order accepted")
		fmt.Fprint(w, span.Context().TraceID())
	})
	return mux
}

// newInventory reserves goods with a query, and has the ledger write it down.
func newInventory(client *http.Client, ledger string, logs *logger) http.Handler {
	mux := httptrace.NewServeMux(httptrace.WithService(Inventory))
	mux.HandleFunc("POST /reserve", func(w http.ResponseWriter, r *http.Request) {
		query, ctx := tracer.StartSpanFromContext(r.Context(), "postgresql.query",
			tracer.ServiceName(Inventory), tracer.SpanType(ext.SpanTypeSQL), tracer.Tag(ext.SpanKind, ext.SpanKindClient),
			tracer.Tag(ext.DBSystem, "postgresql"), tracer.ResourceName("SELECT stock FROM goods WHERE id = $1"))
		logs.Warn(ctx, Inventory, "stock is low")
		logs.Error(ctx, Inventory, "replica is behind", "ReplicaLag")
		query.Finish()
		if err := call(client, r, ledger+"/entry"); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	return mux
}

func call(client *http.Client, r *http.Request, url string) error {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: status %d", url, resp.StatusCode)
	}
	return nil
}
