// Command golang is the shop in Go: dd-trace-go with net/http traced by its
// integration, and spans as its SQL, cache and queue integrations make them.
//
//	golang PORT STOCK_URL
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	httptrace "github.com/DataDog/dd-trace-go/contrib/net/http/v2"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

var (
	stockURL = os.Args[2]
	client   = httptrace.WrapClient(http.DefaultClient)
	jobs     = make(chan job, 100)
)

type job struct {
	topic string
	from  *tracer.SpanContext
	size  int
}

func main() {
	if err := tracer.Start(); err != nil {
		log.Fatal(err)
	}
	mux := httptrace.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /orders/{id}", order)
	mux.HandleFunc("POST /orders", buy)
	mux.HandleFunc("GET /search", search)
	mux.HandleFunc("GET /fail/{kind}", fail)
	mux.HandleFunc("GET /report/{day}", report)
	mux.HandleFunc("GET /users/{id}/profile", profile)
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1], Handler: mux, ReadHeaderTimeout: time.Minute}
	var working sync.WaitGroup
	working.Go(consume)
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-stopped.Done()
	_ = server.Shutdown(context.Background())
	close(jobs)
	working.Wait()
	tracer.Stop()
}

func query(ctx context.Context, statement string, rows int) {
	span, _ := tracer.StartSpanFromContext(ctx, "postgres.query", tracer.ResourceName(statement), tracer.ServiceName("shop-db"),
		tracer.SpanType(ext.SpanTypeSQL), tracer.Tag(ext.SpanKind, ext.SpanKindClient), tracer.Tag(ext.Component, "database/sql"),
		tracer.Tag(ext.DBSystem, "postgresql"), tracer.Tag(ext.DBName, "shop"), tracer.Tag("db.user", "shop_rw"),
		tracer.Tag(ext.TargetHost, "db-1.shop.internal"), tracer.Tag(ext.TargetPort, 5432), tracer.Tag("sql.query_type", "Query"), tracer.Tag("db.row_count", rows))
	defer span.Finish()
	if rows%11 == 0 {
		span.SetTag(ext.Error, errors.New("pq: canceling statement due to lock timeout"))
	}
}

func cached(ctx context.Context, key string) {
	span, _ := tracer.StartSpanFromContext(ctx, "redis.command", tracer.ResourceName("GET"), tracer.ServiceName("shop-cache"),
		tracer.SpanType(ext.SpanTypeRedis), tracer.Tag(ext.SpanKind, ext.SpanKindClient), tracer.Tag("redis.raw_command", "GET "+key),
		tracer.Tag("out.host", "cache-2.shop.internal"), tracer.Tag("redis.args_length", 2), tracer.Tag("hit", len(key)%2 == 0))
	span.Finish()
}

func stock(ctx context.Context, article int) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/stock/%d", stockURL, article), nil)
	if err != nil {
		return
	}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}

func send(ctx context.Context, topic string, size int) {
	span, _ := tracer.StartSpanFromContext(ctx, "kafka.produce", tracer.ResourceName("Produce Topic "+topic), tracer.ServiceName("kafka"),
		tracer.SpanType(ext.SpanTypeMessageProducer), tracer.Tag(ext.SpanKind, ext.SpanKindProducer), tracer.Tag("messaging.system", "kafka"),
		tracer.Tag("messaging.destination.name", topic), tracer.Tag("messaging.kafka.partition", size%12), tracer.Tag("messaging.kafka.offset", time.Now().UnixMilli()))
	jobs <- job{topic, span.Context(), size}
	span.Finish()
}

// consume takes up to five jobs at once and links its span to each producer's.
func consume() {
	for first := range jobs {
		batch := []job{first}
		for more := true; more && len(batch) < 5; {
			select {
			case j, ok := <-jobs:
				if more = ok; ok {
					batch = append(batch, j)
				}
			default:
				more = false
			}
		}
		var links []tracer.SpanLink
		for _, j := range batch {
			links = append(links, tracer.SpanLink{TraceID: j.from.TraceIDLower(), TraceIDHigh: j.from.TraceIDUpper(), SpanID: j.from.SpanID(),
				Attributes: map[string]string{"link.kind": "message", "size": fmt.Sprint(j.size)}, Flags: 1})
		}
		span := tracer.StartSpan("kafka.consume", tracer.ResourceName("Consume Topic "+first.topic), tracer.ServiceName("shop-worker"),
			tracer.SpanType(ext.SpanTypeMessageConsumer), tracer.Tag(ext.SpanKind, ext.SpanKindConsumer), tracer.WithSpanLinks(links),
			tracer.Tag("messaging.system", "kafka"), tracer.Tag("messaging.batch.message_count", len(batch)))
		query(tracer.ContextWithSpan(context.Background(), span), fmt.Sprintf("UPDATE orders SET state = 'packed' WHERE id = %d", first.size), len(batch))
		span.Finish()
	}
}

func order(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	cached(r.Context(), "order:"+id)
	for i := range 1 + len(id)%3 {
		query(r.Context(), fmt.Sprintf("SELECT o.id, o.total, l.article FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.id = %s ORDER BY l.%s LIMIT %d", id, "position", 20+i), i)
	}
	stock(r.Context(), len(r.URL.RawQuery)*7+len(id))
	fmt.Fprintln(w, id)
}

func buy(w http.ResponseWriter, r *http.Request) {
	size := int(time.Now().UnixNano() % 100_000)
	check, ctx := tracer.StartSpanFromContext(r.Context(), "order.validate", tracer.Tag("rules", 14), tracer.Tag("customer.tier", "gold"))
	check.AddEvent("coupon applied", tracer.WithSpanEventAttributes(map[string]any{"coupon": fmt.Sprintf("C%05d", size), "percent": 12.5, "once": true, "articles": []int{size, size + 1}}))
	query(ctx, fmt.Sprintf("SELECT price FROM articles WHERE id IN (%d, %d, %d)", size, size+1, size+2), size)
	check.Finish()
	query(r.Context(), fmt.Sprintf("INSERT INTO orders (user_id, total) VALUES (%d, %d.99) RETURNING id", size, size%500), 1)
	stock(r.Context(), size)
	send(r.Context(), "orders", size)
	w.WriteHeader(http.StatusCreated)
}

func search(_ http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	cached(r.Context(), "search:"+q)
	query(r.Context(), "WITH hits AS (SELECT article, ts_rank(words, plainto_tsquery('"+q+"')) AS rank FROM articles WHERE words @@ plainto_tsquery('"+q+"'))\n"+
		strings.Repeat("SELECT * FROM hits WHERE rank > 0.1 UNION ALL ", 1+len(q)%6)+"SELECT * FROM hits LIMIT "+r.URL.Query().Get("max"), len(q))
}

func fail(w http.ResponseWriter, r *http.Request) {
	span, ctx := tracer.StartSpanFromContext(r.Context(), "payment.charge", tracer.ServiceName("shop-payment"), tracer.Tag("amount", 19.9), tracer.Tag("currency", "EUR"))
	query(ctx, "SELECT balance FROM accounts WHERE id = "+r.URL.Query().Get("code"), 11)
	err := fmt.Errorf("charge card for code %s: %w", r.URL.Query().Get("code"), context.DeadlineExceeded)
	if r.PathValue("kind") == "nested" {
		err = fmt.Errorf("attempt 3: %w", errors.Join(err, errors.New("bank said no")))
	}
	span.Finish(tracer.WithError(err))
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func report(_ http.ResponseWriter, r *http.Request) {
	for i := range 8 {
		part, ctx := tracer.StartSpanFromContext(r.Context(), "report.part", tracer.ResourceName(fmt.Sprintf("part %d of %s", i, r.PathValue("day"))), tracer.Measured())
		query(ctx, fmt.Sprintf("SELECT count(*), sum(total) FROM orders WHERE day = '%s' AND region = %d", r.PathValue("day"), i), i)
		part.Finish()
	}
}

func profile(_ http.ResponseWriter, r *http.Request) {
	cached(r.Context(), "user:"+r.PathValue("id"))
	if span, ok := tracer.SpanFromContext(r.Context()); ok {
		span.SetUser(r.PathValue("id"), tracer.WithUserEmail("someone@example.com"), tracer.WithUserRole("buyer"))
	}
	query(r.Context(), "SELECT * FROM users WHERE uuid = '"+r.PathValue("id")+"'", 1)
}
