// The matrix's program for java.nio: one selector, channels that do not block, files by transferTo: PORT PAGE.
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

public class NioApp {
    static FileChannel page;

    // Requests without a body, each ended by an empty line.
    static void serve(SelectionKey key) throws IOException {
        SocketChannel channel = (SocketChannel) key.channel();
        StringBuilder kept = (StringBuilder) key.attachment();
        ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
        if (channel.read(buffer) < 0) {
            channel.close();
            return;
        }
        kept.append(StandardCharsets.ISO_8859_1.decode(buffer.flip()));
        for (int end; channel.isOpen() && (end = kept.indexOf("\r\n\r\n")) >= 0; kept.delete(0, end + 4))
            answer(channel, kept.substring(0, end));
    }

    static void answer(SocketChannel channel, String head) throws IOException {
        String[] line = head.split("\r\n")[0].split(" ");
        String first = line[1].split("[?]")[0].split("/", 3)[1];
        boolean closes = line[2].endsWith("1.0") || head.contains("Connection: close");
        String status = switch (first) {
            case "good", "nodes", "files" -> "200 OK";
            case "old" -> "301 Moved Permanently";
            case "broken" -> "500 Internal Server Error";
            default -> "404 Not Found";
        };
        long size = status.startsWith("200") ? page.size() : 0;
        ByteBuffer text = ByteBuffer.wrap(("HTTP/1.1 " + status + "\r\nContent-Length: " + size + "\r\n"
                + (closes ? "Connection: close\r\n" : "") + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
        ByteBuffer[] parts = {text, ByteBuffer.allocate(0)};
        while (text.hasRemaining())
            channel.write(parts);
        for (long at = 0; !line[0].equals("HEAD") && at < size;)
            at += page.transferTo(at, size - at, channel);
        if (closes) channel.close();
    }

    public static void main(String[] arguments) throws IOException {
        page = FileChannel.open(Path.of(arguments[1]));
        Selector selector = Selector.open();
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 64);
        server.configureBlocking(false).register(selector, SelectionKey.OP_ACCEPT);
        while (true) {
            selector.select(key -> {
                try {
                    if (key.isAcceptable())
                        server.accept().configureBlocking(false).register(selector, SelectionKey.OP_READ, new StringBuilder());
                    else
                        serve(key);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
    }
}
