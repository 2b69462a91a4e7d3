"""Servers that are written in C or C++ and told what to do by a configuration file of their own."""

import os
import signal
import subprocess

import servers
from servers import Server, site

APPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


_certificate = None


def certificate():
    """(key, certificate) of localhost, made once, by nobody that anyone trusts."""
    global _certificate
    if _certificate is None:
        folder = servers.temporary_folder()
        _certificate = (folder + "/key.pem", folder + "/certificate.pem")
        servers.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                     "-days", "2", "-keyout", _certificate[0], "-out", _certificate[1]])
        os.chmod(_certificate[0], 0o644)
    return _certificate


def nginx_tls():
    key, cert = certificate()
    return {"listen": f" ssl; ssl_certificate_key {key}; ssl_certificate {cert}"}


def nginx_proxy(port):
    """An nginx that passes everything on to 127.0.0.1:`port`, keeping connections."""
    return {"locations": f"""
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host localhost;
        }}"""}


def nginx_fastcgi(path):
    return {"locations": f"""
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME {APPS}/router.php;
            fastcgi_pass unix:{path};
        }}"""}


class Apache(servers.Apache):
    """options: mpm as there, or "worker"; more (lines for the configuration)."""

    def argv(self):
        mpm = self.options["mpm"]
        self.options = dict(self.options, mpm="event" if mpm == "worker" else mpm)
        argv = super().argv()
        path = argv[argv.index("-f") + 1]
        with open(path, encoding="ascii") as file:
            text = file.read()
        if mpm == "worker":
            text = text.replace("mpm_event", "mpm_worker").replace("AsyncRequestWorkerFactor 50\n", "")
        self.options["mpm"] = mpm
        write(self.folder, "apache.conf", text + self.options.get("more", ""))
        return argv


def apache_tls():
    key, cert = certificate()
    modules = servers.Apache.modules
    return (f"LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so\n"
            f"LoadModule ssl_module {modules}/mod_ssl.so\n"
            f"SSLEngine on\nSSLCertificateKeyFile {key}\nSSLCertificateFile {cert}\n")


def apache_wsgi(daemon=False):
    """mod_wsgi: the program within Apache's children, or in processes of its own."""
    group = ("WSGIDaemonProcess matrix processes=2 threads=4\nWSGIProcessGroup matrix\n" if daemon else "")
    return (f"LoadModule wsgi_module {servers.Apache.modules}/mod_wsgi.so\n{group}WSGISocketPrefix /tmp/\n"
            f"WSGIApplicationGroup %{{GLOBAL}}\nWSGIScriptAlias / {APPS}/wsgi_app.py\nWSGIChunkedRequest On\n")


def apache_php(script):
    """mod_php, for which prefork is: this program answers everything."""
    return (f"LoadModule php_module {program('libphp*.so', servers.Apache.modules)}\n"
            f'AliasMatch "^" "{script}"\nSetHandler application/x-httpd-php\n')


class PhpFpm(Server):
    """On the Unix socket `path`: it speaks FastCGI there."""

    stop_signal = signal.SIGQUIT

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.path = os.path.join(self.folder, "fpm.sock")

    def argv(self):
        root = os.getuid() == 0
        config = write(self.folder, "fpm.conf", f"""
            [global]
            daemonize = no
            error_log = {self.folder}/error.log
            process_control_timeout = 10s
            [www]
            listen = {self.path}
            listen.mode = 0666
            {"user = www-data" if root else ""}
            {"group = www-data" if root else ""}
            pm = static
            pm.max_children = 3
            """.replace("            ", ""))
        return [program("php-fpm*"), "-F", "-y", config]

    def _accepts(self):
        return os.path.exists(self.path)


def program(pattern, folders=None):
    """The path of a program, or a library, whose name holds its version."""
    import glob
    folders = (folders or os.environ["PATH"]).split(":")
    found = [path for folder in folders for path in glob.glob(f"{folder}/{pattern}")]
    return found[0] if found else pattern


class Lighttpd(Server):
    def argv(self):
        config = write(self.folder, "lighttpd.conf", f"""
            server.modules = ("mod_redirect", "mod_access")
            server.document-root = "{site()}"
            server.bind = "127.0.0.1"
            server.port = {self.port}
            server.errorlog = "{self.folder}/error.log"
            server.upload-dirs = ("{self.folder}")
            server.network-backend = "{self.options.get("backend", "sendfile")}"
            index-file.names = ("index.html")
            url.redirect = ("^/old$" => "/index.html")
            url.access-deny = ("broken")
            mimetype.assign = (".html" => "text/html")
            """)
        return ["lighttpd", "-D", "-f", config]


class Haproxy(Server):
    """options: port (of what is behind it), threads (4), tls (False)."""

    stop_signal = signal.SIGUSR1
    good_exits = (0, 143)

    def argv(self):
        bind = ""
        if self.options.get("tls"):
            both = os.path.join(self.folder, "both.pem")
            with open(both, "wb") as file:
                for path in reversed(certificate()):
                    with open(path, "rb") as part:
                        file.write(part.read())
            bind = f" ssl crt {both}"
        config = write(self.folder, "haproxy.cfg", f"""
            global
                nbthread {self.options.get("threads", 4)}
            defaults
                mode http
                timeout connect 10s
                timeout client 30s
                timeout server 30s
                option splice-auto
            frontend front
                bind 127.0.0.1:{self.port}{bind}
                http-request return status 503 if {{ path /unavailable }}
                default_backend back
            backend back
                server one 127.0.0.1:{self.options["port"]}
            """.replace("\n            ", "\n"))
        return ["haproxy", "-db", "-f", config]


class H2o(Server):
    """options: threads (1)."""

    def argv(self):
        user = "user: root\n" if os.getuid() == 0 else ""
        config = write(self.folder, "h2o.conf", f"""{user}num-threads: {self.options.get("threads", 1)}
listen:
  host: 127.0.0.1
  port: {self.port}
error-log: {self.folder}/error.log
hosts:
  default:
    paths:
      /old:
        redirect:
          url: /index.html
          status: 301
      /:
        file.dir: {site()}
""")
        return ["h2o", "-m", "worker", "-c", config]


class Varnish(Server):
    """options: port (of what is behind it)."""

    def argv(self):
        return ["varnishd", "-F", "-a", f"127.0.0.1:{self.port}", "-b", f"127.0.0.1:{self.options['port']}",
                "-n", os.path.join(self.folder, "varnish"), "-s", "default,32m", "-p", "thread_pools=1"]


class Squid(Server):
    """In front of a server, caching nothing. options: port (of what is behind it)."""

    def argv(self):
        config = write(self.folder, "squid.conf", f"""
http_port 127.0.0.1:{self.port} accel defaultsite=localhost no-vhost
cache_peer 127.0.0.1 parent {self.options["port"]} 0 no-query originserver
http_access allow all
cache deny all
pid_filename {self.folder}/squid.pid
access_log none
cache_log {self.folder}/error.log
coredump_dir {self.folder}
visible_hostname localhost
shutdown_lifetime 0 seconds
pinger_enable off
via off
""")
        # The name is part of what it calls its shared memory.
        return ["squid", "-N", "-n", f"matrix{os.getpid()}", "-f", config]


class Busybox(Server):
    """Its httpd: a child for each connection, which it moves to standard input and output."""

    good_exits = (0, -signal.SIGTERM)

    def argv(self):
        config = write(self.folder, "httpd.conf", "A:*\n")
        return ["busybox", "httpd", "-f", "-p", f"127.0.0.1:{self.port}", "-h", site(), "-c", config]


def version_of(argv, pattern):
    """What a program says of itself, by its first match of `pattern`'s group; "?" if it says nothing."""
    import re
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=servers.plain_environment(), timeout=60, check=False)
    found = re.search(pattern, done.stdout)
    return found[1] if found else "?"
