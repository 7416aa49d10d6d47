import java.util.Map;
import org.komamitsu.fluency.EventTime;
import org.komamitsu.fluency.Fluency;
import org.komamitsu.fluency.fluentd.FluencyBuilderForFluentd;

/** Sends count records with Fluency, which packs them, and ends when all are acknowledged. */
public class Emit {
  public static void main(String[] args) throws Exception {
    FluencyBuilderForFluentd builder = new FluencyBuilderForFluentd();
    builder.setAckResponseMode(true);
    builder.setSenderMaxRetryCount(3);
    try (Fluency fluency = builder.build(args[1], Integer.parseInt(args[2]))) {
      int count = Integer.parseInt(args[3]);
      for (int i = 0; i < count; i++) {
        fluency.emit(args[0] + ".java", EventTime.fromEpochMilli(System.currentTimeMillis()),
            Map.of("log", "line " + i, "n", i, "nested", Map.of("k", "v")));
      }
      fluency.flush();
      if (!fluency.waitUntilAllBufferFlushed(30)) {
        throw new IllegalStateException("not all was acknowledged");
      }
    }
  }
}
