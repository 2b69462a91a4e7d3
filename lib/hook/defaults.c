#include "hook/defaults.h"

#define ROW(symbol, module, label)                                                                 \
    {                                                                                              \
        {BYTES_OF(symbol), BYTES_OF(module)}, BYTES_OF(label)                                      \
    }
#define BYTES_OF(text)                                                                             \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* Other versions, and the copies that Python packages bring along, have names that begin so. */
#define POSTGRES  "libpq*.so.5*"
#define MARIADB   "libmariadb*.so*"
#define MYSQL     "libmysqlclient*.so*"
#define ODBC      "libodbc*.so*"
#define SYBASE    "libsybdb*.so*" /* FreeTDS */
#define SQLITE    "libsqlite3*.so*"
#define MONGO     "libmongoc-1*.so*"
#define REDIS     "libhiredis*.so*"
#define MEMCACHED "libmemcached*.so*"
#define CURL      "libcurl*.so*"
#define KAFKA     "librdkafka*.so*"
#define RABBIT    "librabbitmq*.so*"
#define LDAP      "libldap*.so*"
#define SSH       "libssh2*.so*"
#define LIBC      "libc.so.6"

/* Both have the same functions. */
#define MYSQL_ROWS(module)                                                                         \
    ROW("mysql_real_connect", module, "rdbms.connect"),                                            \
        ROW("mysql_change_user", module, "rdbms.connect"),                                         \
        ROW("mysql_reset_connection", module, "rdbms.connect"),                                    \
        ROW("mysql_select_db", module, "rdbms.connect"),                                           \
        ROW("mysql_ping", module, "rdbms.connect"), ROW("mysql_query", module, "rdbms.exec"),      \
        ROW("mysql_real_query", module, "rdbms.exec"),                                             \
        ROW("mysql_send_query", module, "rdbms.exec"),                                             \
        ROW("mysql_read_query_result", module, "rdbms.exec"),                                      \
        ROW("mysql_stmt_execute", module, "rdbms.exec"),                                           \
        ROW("mysql_stmt_prepare", module, "rdbms.prepare"),                                        \
        ROW("mysql_store_result", module, "rdbms.result"),                                         \
        ROW("mysql_next_result", module, "rdbms.result"),                                          \
        ROW("mysql_stmt_store_result", module, "rdbms.result"),                                    \
        ROW("mysql_stmt_next_result", module, "rdbms.result"),                                     \
        ROW("mysql_commit", module, "rdbms.commit"),                                               \
        ROW("mysql_rollback", module, "rdbms.commit"),                                             \
        ROW("mysql_autocommit", module, "rdbms.commit")

static const struct spec_timer timers[] = {
    ROW("PQconnectdb", POSTGRES, "rdbms.connect"),
    ROW("PQconnectdbParams", POSTGRES, "rdbms.connect"),
    ROW("PQsetdbLogin", POSTGRES, "rdbms.connect"),
    ROW("PQreset", POSTGRES, "rdbms.connect"),
    ROW("PQexec", POSTGRES, "rdbms.exec"),
    ROW("PQexecParams", POSTGRES, "rdbms.exec"),
    ROW("PQexecPrepared", POSTGRES, "rdbms.exec"),
    ROW("PQfn", POSTGRES, "rdbms.exec"),
    ROW("PQprepare", POSTGRES, "rdbms.prepare"),
    ROW("PQdescribePrepared", POSTGRES, "rdbms.prepare"),
    ROW("PQdescribePortal", POSTGRES, "rdbms.prepare"),
    ROW("PQgetResult", POSTGRES, "rdbms.result"),
    ROW("PQgetCopyData", POSTGRES, "rdbms.copy"),
    ROW("PQputCopyData", POSTGRES, "rdbms.copy"),
    ROW("PQputCopyEnd", POSTGRES, "rdbms.copy"),
    MYSQL_ROWS(MARIADB),
    MYSQL_ROWS(MYSQL),
    ROW("SQLConnect", ODBC, "rdbms.connect"),
    ROW("SQLConnectW", ODBC, "rdbms.connect"),
    ROW("SQLDriverConnect", ODBC, "rdbms.connect"),
    ROW("SQLDriverConnectW", ODBC, "rdbms.connect"),
    ROW("SQLExecDirect", ODBC, "rdbms.exec"),
    ROW("SQLExecDirectW", ODBC, "rdbms.exec"),
    ROW("SQLExecute", ODBC, "rdbms.exec"),
    ROW("SQLBulkOperations", ODBC, "rdbms.exec"),
    ROW("SQLParamData", ODBC, "rdbms.exec"),
    ROW("SQLPrepare", ODBC, "rdbms.prepare"),
    ROW("SQLPrepareW", ODBC, "rdbms.prepare"),
    ROW("SQLFetch", ODBC, "rdbms.result"),
    ROW("SQLFetchScroll", ODBC, "rdbms.result"),
    ROW("SQLMoreResults", ODBC, "rdbms.result"),
    ROW("SQLEndTran", ODBC, "rdbms.commit"),
    ROW("dbopen", SYBASE, "rdbms.connect"),
    ROW("dbsqlexec", SYBASE, "rdbms.exec"),
    ROW("dbsqlsend", SYBASE, "rdbms.exec"),
    ROW("dbsqlok", SYBASE, "rdbms.exec"),
    ROW("dbrpcsend", SYBASE, "rdbms.exec"),
    ROW("dbresults", SYBASE, "rdbms.result"),
    ROW("dbnextrow", SYBASE, "rdbms.result"),
    ROW("sqlite3_open", SQLITE, "sqlite.open"),
    ROW("sqlite3_open_v2", SQLITE, "sqlite.open"),
    ROW("sqlite3_open16", SQLITE, "sqlite.open"),
    ROW("sqlite3_exec", SQLITE, "sqlite.exec"),
    ROW("sqlite3_get_table", SQLITE, "sqlite.exec"),
    ROW("sqlite3_prepare", SQLITE, "sqlite.prepare"),
    ROW("sqlite3_prepare_v2", SQLITE, "sqlite.prepare"),
    ROW("sqlite3_prepare_v3", SQLITE, "sqlite.prepare"),
    ROW("sqlite3_prepare16_v2", SQLITE, "sqlite.prepare"),
    ROW("sqlite3_step", SQLITE, "sqlite.step"),
    ROW("sqlite3_wal_checkpoint", SQLITE, "sqlite.checkpoint"),
    ROW("sqlite3_wal_checkpoint_v2", SQLITE, "sqlite.checkpoint"),
    ROW("mongoc_client_command_simple", MONGO, "mongo.command"),
    ROW("mongoc_client_command_with_opts", MONGO, "mongo.command"),
    ROW("mongoc_client_read_command_with_opts", MONGO, "mongo.command"),
    ROW("mongoc_client_write_command_with_opts", MONGO, "mongo.command"),
    ROW("mongoc_database_command_simple", MONGO, "mongo.command"),
    ROW("mongoc_database_command_with_opts", MONGO, "mongo.command"),
    ROW("mongoc_collection_command_simple", MONGO, "mongo.command"),
    ROW("mongoc_collection_command_with_opts", MONGO, "mongo.command"),
    ROW("mongoc_collection_insert", MONGO, "mongo.insert"),
    ROW("mongoc_collection_insert_one", MONGO, "mongo.insert"),
    ROW("mongoc_collection_insert_many", MONGO, "mongo.insert"),
    ROW("mongoc_collection_update", MONGO, "mongo.update"),
    ROW("mongoc_collection_update_one", MONGO, "mongo.update"),
    ROW("mongoc_collection_update_many", MONGO, "mongo.update"),
    ROW("mongoc_collection_replace_one", MONGO, "mongo.update"),
    ROW("mongoc_collection_find_and_modify_with_opts", MONGO, "mongo.update"),
    ROW("mongoc_collection_remove", MONGO, "mongo.delete"),
    ROW("mongoc_collection_delete_one", MONGO, "mongo.delete"),
    ROW("mongoc_collection_delete_many", MONGO, "mongo.delete"),
    ROW("mongoc_bulk_operation_execute", MONGO, "mongo.bulk"),
    ROW("mongoc_collection_count_documents", MONGO, "mongo.count"),
    ROW("mongoc_collection_estimated_document_count", MONGO, "mongo.count"),
    ROW("mongoc_cursor_next", MONGO, "mongo.next"),
    ROW("mongoc_client_session_commit_transaction", MONGO, "mongo.commit"),
    ROW("mongoc_client_session_abort_transaction", MONGO, "mongo.commit"),
    ROW("redisConnect", REDIS, "redis.connect"),
    ROW("redisConnectWithTimeout", REDIS, "redis.connect"),
    ROW("redisConnectUnix", REDIS, "redis.connect"),
    ROW("redisConnectUnixWithTimeout", REDIS, "redis.connect"),
    ROW("redisReconnect", REDIS, "redis.connect"),
    ROW("redisCommand", REDIS, "redis.command"),
    ROW("redisvCommand", REDIS, "redis.command"),
    ROW("redisCommandArgv", REDIS, "redis.command"),
    ROW("redisGetReply", REDIS, "redis.reply"),
    ROW("memcached_get", MEMCACHED, "memcached.get"),
    ROW("memcached_get_by_key", MEMCACHED, "memcached.get"),
    ROW("memcached_mget", MEMCACHED, "memcached.get"),
    ROW("memcached_mget_by_key", MEMCACHED, "memcached.get"),
    ROW("memcached_mget_execute", MEMCACHED, "memcached.get"),
    ROW("memcached_mget_execute_by_key", MEMCACHED, "memcached.get"),
    ROW("memcached_fetch", MEMCACHED, "memcached.get"),
    ROW("memcached_fetch_result", MEMCACHED, "memcached.get"),
    ROW("memcached_fetch_execute", MEMCACHED, "memcached.get"),
    ROW("memcached_exist", MEMCACHED, "memcached.get"),
    ROW("memcached_exist_by_key", MEMCACHED, "memcached.get"),
    ROW("memcached_set", MEMCACHED, "memcached.set"),
    ROW("memcached_set_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_add", MEMCACHED, "memcached.set"),
    ROW("memcached_add_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_replace", MEMCACHED, "memcached.set"),
    ROW("memcached_replace_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_append", MEMCACHED, "memcached.set"),
    ROW("memcached_append_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_prepend", MEMCACHED, "memcached.set"),
    ROW("memcached_prepend_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_cas", MEMCACHED, "memcached.set"),
    ROW("memcached_cas_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_touch", MEMCACHED, "memcached.set"),
    ROW("memcached_touch_by_key", MEMCACHED, "memcached.set"),
    ROW("memcached_delete", MEMCACHED, "memcached.delete"),
    ROW("memcached_delete_by_key", MEMCACHED, "memcached.delete"),
    ROW("memcached_increment", MEMCACHED, "memcached.count"),
    ROW("memcached_increment_by_key", MEMCACHED, "memcached.count"),
    ROW("memcached_increment_with_initial", MEMCACHED, "memcached.count"),
    ROW("memcached_increment_with_initial_by_key", MEMCACHED, "memcached.count"),
    ROW("memcached_decrement", MEMCACHED, "memcached.count"),
    ROW("memcached_decrement_by_key", MEMCACHED, "memcached.count"),
    ROW("memcached_decrement_with_initial", MEMCACHED, "memcached.count"),
    ROW("memcached_decrement_with_initial_by_key", MEMCACHED, "memcached.count"),
    ROW("memcached_flush", MEMCACHED, "memcached.flush"),
    ROW("memcached_flush_buffers", MEMCACHED, "memcached.flush"),
    ROW("curl_easy_perform", CURL, "http.perform"),
    ROW("curl_multi_wait", CURL, "http.wait"),
    ROW("curl_multi_poll", CURL, "http.wait"),
    ROW("rd_kafka_flush", KAFKA, "kafka.flush"),
    ROW("rd_kafka_commit", KAFKA, "kafka.commit"),
    ROW("rd_kafka_commit_message", KAFKA, "kafka.commit"),
    ROW("rd_kafka_commit_transaction", KAFKA, "kafka.commit"),
    ROW("rd_kafka_abort_transaction", KAFKA, "kafka.commit"),
    ROW("rd_kafka_init_transactions", KAFKA, "kafka.commit"),
    ROW("rd_kafka_send_offsets_to_transaction", KAFKA, "kafka.commit"),
    ROW("rd_kafka_metadata", KAFKA, "kafka.query"),
    ROW("rd_kafka_committed", KAFKA, "kafka.query"),
    ROW("rd_kafka_offsets_for_times", KAFKA, "kafka.query"),
    ROW("rd_kafka_query_watermark_offsets", KAFKA, "kafka.query"),
    ROW("amqp_socket_open", RABBIT, "amqp.connect"),
    ROW("amqp_socket_open_noblock", RABBIT, "amqp.connect"),
    ROW("amqp_login", RABBIT, "amqp.connect"),
    ROW("amqp_login_with_properties", RABBIT, "amqp.connect"),
    ROW("amqp_basic_publish", RABBIT, "amqp.publish"),
    ROW("amqp_basic_get", RABBIT, "amqp.get"),
    ROW("amqp_read_message", RABBIT, "amqp.get"),
    ROW("amqp_simple_rpc", RABBIT, "amqp.rpc"),
    ROW("amqp_simple_rpc_decoded", RABBIT, "amqp.rpc"),
    ROW("amqp_get_rpc_reply", RABBIT, "amqp.rpc"),
    ROW("ldap_sasl_bind_s", LDAP, "ldap.bind"),
    ROW("ldap_sasl_interactive_bind_s", LDAP, "ldap.bind"),
    ROW("ldap_simple_bind_s", LDAP, "ldap.bind"),
    ROW("ldap_bind_s", LDAP, "ldap.bind"),
    ROW("ldap_start_tls_s", LDAP, "ldap.bind"),
    ROW("ldap_search_ext_s", LDAP, "ldap.search"),
    ROW("ldap_search_s", LDAP, "ldap.search"),
    ROW("ldap_search_st", LDAP, "ldap.search"),
    ROW("ldap_compare_ext_s", LDAP, "ldap.search"),
    ROW("ldap_compare_s", LDAP, "ldap.search"),
    ROW("ldap_modify_ext_s", LDAP, "ldap.modify"),
    ROW("ldap_modify_s", LDAP, "ldap.modify"),
    ROW("ldap_add_ext_s", LDAP, "ldap.modify"),
    ROW("ldap_add_s", LDAP, "ldap.modify"),
    ROW("ldap_delete_ext_s", LDAP, "ldap.modify"),
    ROW("ldap_delete_s", LDAP, "ldap.modify"),
    ROW("ldap_rename_s", LDAP, "ldap.modify"),
    ROW("ldap_modrdn2_s", LDAP, "ldap.modify"),
    ROW("ldap_passwd_s", LDAP, "ldap.modify"),
    ROW("ldap_extended_operation_s", LDAP, "ldap.extended"),
    ROW("ldap_whoami_s", LDAP, "ldap.extended"),
    ROW("ldap_result", LDAP, "ldap.result"),
    ROW("libssh2_session_handshake", SSH, "ssh.connect"),
    ROW("libssh2_userauth_password_ex", SSH, "ssh.connect"),
    ROW("libssh2_userauth_publickey_fromfile_ex", SSH, "ssh.connect"),
    ROW("libssh2_channel_open_ex", SSH, "ssh.connect"),
    ROW("libssh2_channel_process_startup", SSH, "ssh.exec"),
    ROW("libssh2_channel_read_ex", SSH, "ssh.read"),
    ROW("libssh2_sftp_read", SSH, "ssh.read"),
    ROW("libssh2_channel_write_ex", SSH, "ssh.write"),
    ROW("libssh2_sftp_write", SSH, "ssh.write"),
    ROW("libssh2_sftp_init", SSH, "ssh.sftp"),
    ROW("libssh2_sftp_open_ex", SSH, "ssh.sftp"),
    ROW("libssh2_sftp_readdir_ex", SSH, "ssh.sftp"),
    ROW("libssh2_sftp_stat_ex", SSH, "ssh.sftp"),
    ROW("getaddrinfo", LIBC, "dns.lookup"),
    ROW("gethostbyname", LIBC, "dns.lookup"),
    ROW("gethostbyname2", LIBC, "dns.lookup"),
    ROW("gethostbyname_r", LIBC, "dns.lookup"),
    ROW("gethostbyname2_r", LIBC, "dns.lookup"),
    ROW("gethostbyaddr", LIBC, "dns.lookup"),
    ROW("gethostbyaddr_r", LIBC, "dns.lookup"),
    ROW("getnameinfo", LIBC, "dns.lookup"),
};

const struct spec_timer *defaults_timers(size_t *n)
{
    *n = sizeof timers / sizeof timers[0];
    return timers;
}
