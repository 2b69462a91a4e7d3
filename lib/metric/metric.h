#ifndef METRIC_METRIC_H
#define METRIC_METRIC_H

/* metric: what a line can say. */

enum metric_kind { METRIC_COUNTER, METRIC_TIMER };

/* The most bytes of a label or action after cleaning; what is longer is cut. */
#define LABEL_BYTES 64

#endif
