/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "plan.h"
#include "system.h"
#include "transfer.h"

#include <pthread.h>
#include <stdlib.h>

/* What is given to libuv's pool of threads takes the plan along. */

typedef struct errand_s {
  struct errand_s *next;
  uv_work_t *req;
  uv_work_cb work;
  weir_fault_t *plan;
} errand_t;

static errand_t *errands;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static errand_t *take(const uv_work_t *req) {
  errand_t *found = NULL;
  pthread_mutex_lock(&lock);
  for (errand_t **at = &errands; *at != NULL; at = &(*at)->next)
    if ((*at)->req == req) {
      found = *at;
      *at = found->next;
      break;
    }
  pthread_mutex_unlock(&lock);
  return found;
}

static void run(uv_work_t *req) {
  errand_t *errand = take(req);
  uv_work_cb work = errand->work;
  weir_fault_t *plan = weir__plan;
  weir__plan = errand->plan;
  weir__in_pool = 1;
  free(errand);
  work(req);
  weir__plan = plan;
  weir__in_pool = 0;
}

int weir__over_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                             uv_after_work_cb after)
    WEIR__OVER("uv_queue_work");
int weir__over_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                             uv_after_work_cb after) {
  const weir__system_t *system = weir__system_get();
  if (weir__plan == NULL || work == NULL)
    return system->uv_queue_work(loop, req, work, after);
  errand_t *errand = malloc(sizeof(*errand));
  if (errand == NULL)
    return UV_ENOMEM;
  pthread_mutex_lock(&lock);
  *errand = (errand_t){errands, req, work, weir__plan};
  errands = errand;
  pthread_mutex_unlock(&lock);
  int r = system->uv_queue_work(loop, req, run, after);
  if (r != 0)
    free(take(req));
  return r;
}

int weir__over_uv_cancel(uv_req_t *req) WEIR__OVER("uv_cancel");
int weir__over_uv_cancel(uv_req_t *req) {
  int r = weir__system_get()->uv_cancel(req);
  if (r == 0 && req->type == UV_WORK)
    free(take((uv_work_t *)req));
  return r;
}

int weir__over_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *req,
                              uv_getaddrinfo_cb cb, const char *node,
                              const char *service, const struct addrinfo *hints)
    WEIR__OVER("uv_getaddrinfo");
int weir__over_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *req,
                              uv_getaddrinfo_cb cb, const char *node,
                              const char *service,
                              const struct addrinfo *hints) {
  return weir__system_get()->uv_getaddrinfo(loop, req, cb, node, service,
                                            hints);
}

void weir__over_uv_freeaddrinfo(struct addrinfo *found)
    WEIR__OVER("uv_freeaddrinfo");
void weir__over_uv_freeaddrinfo(struct addrinfo *found) {
  weir__system_get()->uv_freeaddrinfo(found);
}

int weir__over_pool(void) {
  return weir__system_calls("uv_queue_work",
                            (void (*)(void))weir__over_uv_queue_work);
}
