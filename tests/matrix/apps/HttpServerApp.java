// The matrix's program for the JDK's own HTTP server, each request on a thread of a pool: PORT.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.Executors;

public class HttpServerApp {
    static final Map<String, Integer> SIZES = Map.of("good", 612, "nodes", 612, "files", 612, "big", 3_000_000);

    static void send(HttpExchange exchange, int status, int size) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : size);
        if (!head) exchange.getResponseBody().write(new byte[size]);
        exchange.close();
    }

    static void answer(HttpExchange exchange) throws IOException {
        String[] parts = exchange.getRequestURI().getPath().split("/");
        String first = parts.length > 1 ? parts[1] : "";
        exchange.getRequestBody().readAllBytes();
        switch (first) {
            case "post" -> send(exchange, 200, 5);
            case "old" -> {
                exchange.getResponseHeaders().set("Location", "/");
                send(exchange, 301, 5);
            }
            case "broken" -> send(exchange, 500, 5);
            case "nap" -> {
                nap();
                send(exchange, 200, 5);
            }
            default -> send(exchange, SIZES.containsKey(first) ? 200 : 404, SIZES.getOrDefault(first, 5));
        }
    }

    static void nap() {
        try {
            Thread.sleep(21);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 64);
        server.createContext("/", HttpServerApp::answer);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
    }
}
