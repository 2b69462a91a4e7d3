/*
 * handed IN OUT: serves the connection that the program was started with, reading from the one fd
 * and writing to the other, until its client has no more to say. handed ask IN OUT: is the client.
 */
#include "loopback.h"

enum { ASKED = 3 };

static bool is_another(int in)
{
    char c;
    return recv(in, &c, 1, MSG_PEEK) == 1;
}

int main(int argc, char **argv)
{
    int in = atoi(argv[argc - 2]), out = atoi(argv[argc - 1]);
    alarm(PATIENCE_S);
    if (argc == 3)
        for (; is_another(in); answer(out))
            take(in);
    else
        for (int i = 0; i < ASKED; i++) {
            ask(out, "/asked");
            hear(in);
        }
    return 0;
}
