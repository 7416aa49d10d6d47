import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.undertow.Undertow;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.BlockingHandler;
import java.net.HttpURLConnection;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * The shop in Java: dd-java-agent with Undertow, JDBC and HttpURLConnection traced by its integrations, the rest through the
 * OpenTelemetry API, which the agent implements.
 *
 * <p>java -javaagent:dd-java-agent.jar -cp 'jars/*' Shop.java PORT STOCK_URL
 */
public class Shop {
  static final Tracer tracer = GlobalOpenTelemetry.getTracer("shop");
  static final BlockingQueue<Job> jobs = new ArrayBlockingQueue<>(100);
  static String stockURL;

  record Job(SpanContext from, long size) {}

  public static void main(String[] args) throws Exception {
    stockURL = args[1];
    try (Connection c = connection(); Statement s = c.createStatement()) {
      s.execute("CREATE TABLE orders (id INT, total DOUBLE, sold VARCHAR, region INT, state VARCHAR, client VARCHAR)");
    }
    Thread consumer = new Thread(Shop::consume);
    consumer.setDaemon(true);
    consumer.start();
    Undertow.builder().addHttpListener(Integer.parseInt(args[0]), "127.0.0.1").setHandler(new BlockingHandler(Shop::handle)).build().start();
  }

  static Connection connection() throws SQLException {
    return DriverManager.getConnection("jdbc:h2:mem:shop;DB_CLOSE_DELAY=-1", "shop_rw", "");
  }

  static void query(String statement) {
    try (Connection c = connection(); Statement s = c.createStatement()) {
      s.execute(statement);
    } catch (SQLException e) {
      Span.current().addEvent("query failed", Attributes.of(AttributeKey.longKey("code"), (long) e.getErrorCode()));
    }
  }

  static void within(String name, SpanKind kind, Attributes attributes, Runnable work) {
    Span span = tracer.spanBuilder(name).setSpanKind(kind).setAllAttributes(attributes).startSpan();
    try (Scope ignored = span.makeCurrent()) {
      work.run();
    } catch (RuntimeException e) {
      span.recordException(e);
      span.setStatus(StatusCode.ERROR, e.getMessage());
      throw e;
    } finally {
      span.end();
    }
  }

  static void cached(String key) {
    within("redis.command", SpanKind.CLIENT, Attributes.builder().put("service.name", "shop-cache").put("resource.name", "GET")
        .put("span.type", "redis").put("redis.raw_command", "GET " + key).put("out.host", "cache-2.shop.internal").put("hit", key.length() % 2 == 0).build(), () -> {});
  }

  static void stock(long article) {
    try {
      HttpURLConnection c = (HttpURLConnection) URI.create(stockURL + "/stock/" + article).toURL().openConnection();
      c.getResponseCode();
      c.disconnect();
    } catch (java.io.IOException e) {
      Span.current().recordException(e);
    }
  }

  static void send(String topic, long size) {
    within("kafka.produce", SpanKind.PRODUCER, Attributes.builder().put("service.name", "kafka").put("resource.name", "Produce Topic " + topic)
        .put("messaging.system", "kafka").put("messaging.destination.name", topic).put("messaging.kafka.partition", size % 12).build(),
        () -> jobs.offer(new Job(Span.current().getSpanContext(), size)));
  }

  /** Takes what has gathered at once and links its span to each producer's. */
  static void consume() {
    while (true) {
      List<Job> batch = new ArrayList<>();
      try {
        batch.add(jobs.take());
        Thread.sleep(60);
      } catch (InterruptedException e) {
        return;
      }
      jobs.drainTo(batch, 4);
      var builder = tracer.spanBuilder("kafka.consume").setNoParent().setSpanKind(SpanKind.CONSUMER).setAttribute("service.name", "shop-worker")
          .setAttribute("messaging.system", "kafka").setAttribute("messaging.batch.message_count", batch.size());
      for (Job job : batch) {
        builder.addLink(job.from(), Attributes.of(AttributeKey.stringKey("link.kind"), "message", AttributeKey.longKey("size"), job.size()));
      }
      Span span = builder.startSpan();
      try (Scope ignored = span.makeCurrent()) {
        query("UPDATE orders SET state = 'packed' WHERE id = " + batch.get(0).size());
      }
      span.end();
    }
  }

  static void handle(HttpServerExchange exchange) {
    String[] path = exchange.getRequestPath().split("/");
    String arg = path.length > 2 ? path[2] : "";
    String search = exchange.getQueryString();
    int status = 200;
    if (exchange.getRequestMethod().toString().equals("POST")) {
      status = buy();
    } else {
      switch (path[1]) {
        case "orders" -> {
          cached("order:" + arg);
          for (int i = 0; i <= arg.length() % 3; i++) {
            query("SELECT id, total, state FROM orders WHERE id = " + arg + " ORDER BY id LIMIT " + (20 + i));
          }
          stock(search.length() * 7L + arg.length());
        }
        case "search" -> {
          cached("search:" + search);
          query("WITH hits AS (SELECT * FROM orders WHERE state = '" + search + "')\n"
              + "SELECT * FROM hits WHERE total > 1 UNION ALL ".repeat(1 + search.length() % 6) + "SELECT * FROM hits");
        }
        case "fail" -> status = fail(arg, search);
        case "report" -> {
          for (int i = 0; i < 8; i++) {
            int region = i;
            within("report.part", SpanKind.INTERNAL, Attributes.builder().put("resource.name", "part " + i + " of " + arg).build(),
                () -> query("SELECT count(*), sum(total) FROM orders WHERE sold = '" + arg + "' AND region = " + region));
          }
        }
        case "users" -> {
          Span.current().setAllAttributes(Attributes.builder().put("usr.id", arg).put("usr.email", "someone@example.com").put("usr.role", "buyer").build());
          cached("user:" + arg);
          query("SELECT * FROM orders WHERE client = '" + arg + "'");
        }
        default -> {}
      }
    }
    exchange.setStatusCode(status);
    exchange.getResponseSender().send("done\n");
  }

  static int buy() {
    long size = System.nanoTime() % 100_000;
    within("order.validate", SpanKind.INTERNAL, Attributes.builder().put("rules", 14).put("customer.tier", "gold").build(), () -> {
      Span.current().addEvent("coupon applied", Attributes.builder().put("coupon", "C" + size).put("percent", 12.5).put("once", true).put("articles", size, size + 1).build());
      query("SELECT total FROM orders WHERE id IN (" + size + ", " + (size + 1) + ", " + (size + 2) + ")");
    });
    query("INSERT INTO orders (id, total) VALUES (" + size + ", " + size % 500 + ".99)");
    stock(size);
    send("orders", size);
    return 201;
  }

  static int fail(String kind, String search) {
    try {
      within("payment.charge", SpanKind.INTERNAL, Attributes.builder().put("service.name", "shop-payment").put("amount", 19.9).put("currency", "EUR").build(), () -> {
        query("SELECT balance FROM accounts WHERE id = 1"); // there is no such table
        RuntimeException cause = new IllegalStateException("charge card: " + search);
        throw kind.equals("nested") ? new RuntimeException("attempt 3", cause) : cause;
      });
    } catch (RuntimeException e) {
      Span.current().setStatus(StatusCode.ERROR, e.getMessage());
    }
    return 500;
  }
}
