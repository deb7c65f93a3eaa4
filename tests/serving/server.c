/* Loads an export as TF Serving does, and answers mixed requests from several threads for some time.

   Usage: server EXPORT SECONDS [THREADS]
   It reads the signatures and the warm-up requests from the export's files. It prints `key value...` lines:
   memory, the errors, and the latencies. Its exit status is 0 if every answer was right. */
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

#define MAX_SIGNATURES 16
#define MAX_PORTS 4
#define MAX_ROWS 64
#define MAX_CALLS 2000000
#define MAX_THREADS 64

static void die(const char* format, ...) {
  va_list rest;
  va_start(rest, format);
  vfprintf(stderr, format, rest);
  fputc('\n', stderr);
  exit(2);
}

static void check(TF_Status* status, const char* what) {
  if (TF_GetCode(status) != TF_OK) die("%s: %s", what, TF_Message(status));
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

static long resident_mib(void) {
  FILE* file = fopen("/proc/self/statm", "r");
  long size = 0, resident = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
  fclose(file);
  return resident * sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* --- The wire format of protocol buffers --- */

typedef struct {
  const uint8_t *at, *end;
} Bytes;

typedef struct {
  int number;
  uint64_t integer; /* of a varint */
  Bytes bytes;      /* of a length-delimited field */
} Field;

static uint64_t varint(Bytes* in) {
  uint64_t value = 0;
  for (int shift = 0; in->at < in->end && shift < 64; shift += 7) {
    uint8_t byte = *in->at++;
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return value;
  }
  die("damaged message");
  return 0;
}

/* Reads the next field; returns 0 at the end. */
static int next(Bytes* in, Field* field) {
  if (in->at >= in->end) return 0;
  uint64_t tag = varint(in);
  field->number = (int)(tag >> 3);
  field->integer = 0;
  field->bytes.at = field->bytes.end = NULL;
  size_t length = 0;
  switch (tag & 7) {
    case 0: field->integer = varint(in); return 1;
    case 1: length = 8; break;
    case 2: length = varint(in); break;
    case 5: length = 4; break;
    default: die("damaged message");
  }
  if (length > (size_t)(in->end - in->at)) die("damaged message");
  field->bytes.at = in->at;
  field->bytes.end = in->at += length;
  return 1;
}

static Bytes member(Bytes in, int number) {
  Field field;
  Bytes found = {NULL, NULL};
  while (next(&in, &field))
    if (field.number == number) found = field.bytes;
  return found;
}

static void text(Bytes bytes, char* out, size_t size) {
  size_t length = bytes.end - bytes.at;
  if (length >= size) die("a name is too long");
  if (length > 0) memcpy(out, bytes.at, length);
  out[length] = 0;
}

/* --- Signatures --- */

typedef struct {
  char key[64];
  TF_Output tensor;
  int type;
  int64_t width; /* second dimension; 0 if there is none */
} Port;

typedef struct {
  char name[64];
  Port inputs[MAX_PORTS], outputs[MAX_PORTS];
  int num_inputs, num_outputs;
} Signature;

static TF_Graph* graph;
static TF_Session* session;
static Signature signatures[MAX_SIGNATURES];
static int num_signatures;

static void read_port(Bytes entry, Port* port) {
  Bytes info = member(entry, 2), shape;
  char name[256], *colon;
  Field field;
  text(member(entry, 1), port->key, sizeof port->key);
  text(member(info, 1), name, sizeof name);
  if ((colon = strrchr(name, ':')) == NULL) die("tensor name %s", name);
  *colon = 0;
  port->tensor.oper = TF_GraphOperationByName(graph, name);
  port->tensor.index = atoi(colon + 1);
  if (port->tensor.oper == NULL) die("no operation %s", name);
  port->type = TF_OperationOutputType(port->tensor);
  shape = member(info, 3);
  port->width = 0;
  for (int dimension = 0; next(&shape, &field);)
    if (field.number == 2 && dimension++ == 1) {
      Field size;
      Bytes in = field.bytes;
      while (next(&in, &size))
        if (size.number == 1) port->width = (int64_t)size.integer;
    }
}

static void read_signatures(Bytes meta_graph) {
  Field entry, field;
  while (next(&meta_graph, &entry)) {
    if (entry.number != 5) continue;
    Signature* signature = &signatures[num_signatures];
    memset(signature, 0, sizeof *signature);
    text(member(entry.bytes, 1), signature->name, sizeof signature->name);
    if (strncmp(signature->name, "__", 2) == 0) continue;
    if (num_signatures == MAX_SIGNATURES - 1) die("too many signatures");
    Bytes in = member(entry.bytes, 2);
    while (next(&in, &field)) {
      if (field.number == 1 && signature->num_inputs < MAX_PORTS)
        read_port(field.bytes, &signature->inputs[signature->num_inputs++]);
      if (field.number == 2 && signature->num_outputs < MAX_PORTS)
        read_port(field.bytes, &signature->outputs[signature->num_outputs++]);
    }
    num_signatures++;
  }
}

static Signature* named(const char* name) {
  for (int i = 0; i < num_signatures; i++)
    if (strcmp(signatures[i].name, name) == 0) return &signatures[i];
  die("no signature %s", name);
  return NULL;
}

/* --- Requests --- */

static TF_Tensor* strings(const char* const* values, int rows) {
  int64_t shape[] = {rows};
  TF_Tensor* tensor = TF_AllocateTensor(TF_STRING, shape, 1, rows * sizeof(TF_TString));
  TF_TString* data = TF_TensorData(tensor);
  for (int row = 0; row < rows; row++) {
    TF_StringInit(&data[row]);
    TF_StringCopy(&data[row], values[row], strlen(values[row]));
  }
  return tensor;
}

static void release(TF_Tensor* tensor) {
  if (tensor == NULL) return;
  if (TF_TensorType(tensor) == TF_STRING) {
    TF_TString* data = TF_TensorData(tensor);
    for (int64_t i = 0; i < TF_TensorElementCount(tensor); i++) TF_StringDealloc(&data[i]);
  }
  TF_DeleteTensor(tensor);
}

static TF_Tensor* input(const Port* port, int rows, int bad_row, unsigned* random) {
  if (port->type == TF_STRING) {
    const char* values[MAX_ROWS];
    for (int row = 0; row < rows; row++) values[row] = row == bad_row ? "no such word" : row % 2 ? "" : " , ";
    return strings(values, rows);
  }
  int64_t shape[] = {rows, port->width};
  int64_t count = rows * (port->width ? port->width : strcmp(port->key, "labels") != 0);
  int dimensions = strcmp(port->key, "latents") == 0 || strcmp(port->key, "labels") == 0 ? 2 : 1;
  TF_Tensor* tensor =
      TF_AllocateTensor(port->type, shape, dimensions, count * (port->type == TF_INT64 ? 8 : 4));
  for (int64_t i = 0; i < count; i++) {
    if (port->type == TF_INT64)
      ((int64_t*)TF_TensorData(tensor))[i] = ((int64_t)rand_r(random) << 32) ^ rand_r(random);
    else
      /* In (0, 1], which is right for a truncation, a latent vector, and a label. */
      ((float*)TF_TensorData(tensor))[i] = (1 + rand_r(random) % 1000) / 1000.0f;
  }
  if (bad_row >= 0 && strcmp(port->key, "latents") == 0)
    ((float*)TF_TensorData(tensor))[bad_row * port->width] = 0.0f / 0.0f;
  return tensor;
}

static int right_answer(const Signature* signature, TF_Tensor** outputs, int rows, int bad_row) {
  for (int i = 0; i < signature->num_outputs; i++) {
    if (TF_Dim(outputs[i], 0) != rows) return 0;
    if (TF_TensorType(outputs[i]) != TF_STRING) continue;
    TF_TString* values = TF_TensorData(outputs[i]);
    for (int row = 0; row < rows; row++) {
      size_t size = TF_StringGetSize(&values[row]);
      if (strcmp(signature->outputs[i].key, "error") == 0) {
        if ((size > 0) != (row == bad_row)) return 0;
      } else if (size < 8 || memcmp(TF_StringGetDataPointer(&values[row]), "\x89PNG", 4) != 0) {
        return 0;
      }
    }
  }
  return 1;
}

/* Makes one request, with a bad row if `bad_row` is not negative; returns whether the answer is right. */
static int call(const Signature* signature, int rows, int bad_row, unsigned* random) {
  TF_Output in[MAX_PORTS], out[MAX_PORTS];
  TF_Tensor *given[MAX_PORTS], *got[MAX_PORTS] = {NULL};
  TF_Status* status = TF_NewStatus();
  for (int i = 0; i < signature->num_inputs; i++) {
    in[i] = signature->inputs[i].tensor;
    given[i] = input(&signature->inputs[i], rows, bad_row, random);
  }
  for (int i = 0; i < signature->num_outputs; i++) out[i] = signature->outputs[i].tensor;
  TF_SessionRun(session, NULL, in, given, signature->num_inputs, out, got, signature->num_outputs, NULL, 0,
                NULL, status);
  /* Only the checked signatures answer for each row. */
  int refuses = bad_row >= 0 && strncmp(signature->name, "checked", 7) != 0;
  int right = refuses ? TF_GetCode(status) == TF_INVALID_ARGUMENT
                      : TF_GetCode(status) == TF_OK && right_answer(signature, got, rows, bad_row);
  if (!right)
    fprintf(stderr, "%s, %d rows, bad row %d: wrong answer; %s\n", signature->name, rows, bad_row,
            TF_Message(status));
  for (int i = 0; i < signature->num_inputs; i++) release(given[i]);
  for (int i = 0; i < signature->num_outputs; i++) release(got[i]);
  TF_DeleteStatus(status);
  return right;
}

/* --- Warm-up requests: a TFRecord file of PredictionLog --- */

static int warm_up(const char* export) {
  char path[4096], name[64];
  snprintf(path, sizeof path, "%s/assets.extra/tf_serving_warmup_requests", export);
  FILE* file = fopen(path, "rb");
  if (file == NULL) return 0;
  int count = 0;
  uint64_t length;
  /* A record: its length, 4 bytes of checksum, the data, and 4 bytes of checksum. */
  while (fread(&length, 8, 1, file) == 1) {
    uint8_t* data = malloc(length);
    if (data == NULL || fseek(file, 4, SEEK_CUR) || fread(data, 1, length, file) != length ||
        fseek(file, 4, SEEK_CUR))
      die("%s is damaged", path);
    Bytes request = member(member((Bytes){data, data + length}, 6), 1);
    text(member(member(request, 1), 3), name, sizeof name);
    unsigned random = 1;
    double started = now();
    if (!call(named(name), 1, -1, &random)) die("warm-up of %s failed", name);
    printf("warm_up %s ms %.0f\n", name, 1e3 * (now() - started));
    free(data);
    count++;
  }
  fclose(file);
  return count;
}

/* --- Mixed requests --- */

typedef struct {
  float milliseconds;
  int rows;
} Call;

static Call calls[MAX_CALLS];
static int num_calls, num_wrong, num_bad;
static double until;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void* client(void* argument) {
  unsigned random = 1 + (unsigned)(intptr_t)argument;
  while (now() < until) {
    const Signature* signature = &signatures[rand_r(&random) % num_signatures];
    /* Most requests are small. */
    int rows = rand_r(&random) % 4 ? 1 + rand_r(&random) % 4 : 1 + rand_r(&random) % MAX_ROWS;
    int bad_row = rand_r(&random) % 10 ? -1 : rand_r(&random) % rows;
    double started = now();
    int right = call(signature, rows, bad_row, &random);
    float milliseconds = (float)(1e3 * (now() - started));
    pthread_mutex_lock(&mutex);
    if (num_calls < MAX_CALLS) calls[num_calls++] = (Call){milliseconds, rows};
    num_wrong += !right;
    num_bad += bad_row >= 0;
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static int ascending(const void* one, const void* two) {
  float difference = ((const Call*)one)->milliseconds - ((const Call*)two)->milliseconds;
  return (difference > 0) - (difference < 0);
}

static void print_latencies(int from, int to) {
  static Call chosen[MAX_CALLS];
  int count = 0;
  for (int i = 0; i < num_calls; i++)
    if (calls[i].rows >= from && calls[i].rows <= to) chosen[count++] = calls[i];
  if (count == 0) return;
  qsort(chosen, count, sizeof *chosen, ascending);
  printf("latency rows %d-%d calls %d p50 %.1f p95 %.1f p99 %.1f ms\n", from, to, count,
         chosen[count / 2].milliseconds, chosen[(int)(count * 0.95)].milliseconds,
         chosen[(int)(count * 0.99)].milliseconds);
}

int main(int argc, char** argv) {
  if (argc < 3) die("usage: server EXPORT SECONDS [THREADS]");
  double seconds = atof(argv[2]), started = now();
  int threads = argc > 3 ? atoi(argv[3]) : 2;
  if (threads < 1 || threads > MAX_THREADS) die("THREADS must be 1 to %d", MAX_THREADS);
  TF_Status* status = TF_NewStatus();
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Buffer* meta_graph = TF_NewBuffer();
  const char* tags[] = {"serve"};
  graph = TF_NewGraph();
  session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, meta_graph, status);
  check(status, "loading");
  const uint8_t* data = meta_graph->data;
  read_signatures((Bytes){data, data + meta_graph->length});
  printf("load_seconds %.2f\nsignatures %d\n", now() - started, num_signatures);
  printf("warm_up_requests %d\n", warm_up(argv[1]));

  unsigned random = 1;
  for (int i = 0; i < num_signatures; i++)
    for (int rows = 1; rows <= MAX_ROWS; rows *= 2)
      for (int bad_row = -1; bad_row < 1; bad_row++) num_wrong += !call(&signatures[i], rows, bad_row, &random);
  printf("batches_of 1-%d wrong %d\n", MAX_ROWS, num_wrong);

  printf("memory_mib start %ld\n", resident_mib());
  fflush(stdout);
  until = (started = now()) + seconds;
  pthread_t clients[MAX_THREADS];
  for (int i = 0; i < threads; i++) pthread_create(&clients[i], NULL, client, (void*)(intptr_t)i);
  for (int part = 1; part <= 4; part++) {
    while (now() < started + seconds * part / 4) usleep(10000);
    printf("memory_mib after_seconds %.0f %ld\n", seconds * part / 4, resident_mib());
    fflush(stdout);
  }
  for (int i = 0; i < threads; i++) pthread_join(clients[i], NULL);
  printf("memory_mib end %ld\n", resident_mib());
  long faces = 0;
  for (int i = 0; i < num_calls; i++) faces += calls[i].rows;
  printf("requests %d faces %ld with_a_bad_row %d wrong %d threads %d\n", num_calls, faces, num_bad, num_wrong,
         threads);
  print_latencies(1, 1);
  print_latencies(2, 4);
  print_latencies(5, 16);
  print_latencies(17, 64);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteGraph(graph);
  TF_DeleteBuffer(meta_graph);
  TF_DeleteSessionOptions(options);
  TF_DeleteStatus(status);
  return num_wrong > 0;
}
