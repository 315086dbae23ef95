/* A library that answers as libnvidia-ml.so.1 does, from a scenario: the real binding calls it through ctypes.

   FAKE_NVML names the scenario, a text of lines "key value". It is read again whenever it changed, so that a test can
   change it while a process runs. What has no line is NVML_ERROR_NOT_SUPPORTED; only "gpus" and the codes of success
   have defaults.

     gpus 2                                   how many there are
     gpu0.name NVIDIA H200                    one fact of one GPU; gpu0.mig1.name: of a MIG instance
     gpu0.fail.nvmlDeviceGetPowerUsage 4      the code that a call returns for one device
     fail.nvmlInitWithFlags 18                the same for calls of the library, or for every device
     gpu0.lost 1                              every call on it returns NVML_ERROR_GPU_IS_LOST
     sleep_ms.nvmlDeviceGetMemoryInfo 300     how long a call takes
     event0 gpu0 79                           the first event that nobody has taken yet, and its Xid

   fake_calls(name) says how often a function was called. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, TIMEOUT = 10, LOST = 15 };
enum { LINES = 2048, GPUS = 16, MIGS = 8, NAMES = 128 };

typedef struct { int gpu, mig; } device;
typedef struct { char key[96], value[160]; } line;

static device devices[GPUS][MIGS + 1];
static line lines[LINES];
static int line_count, initialised, event_next;
static struct stat read_as;
static struct { char name[64]; int calls; } counts[NAMES];

static void load(void) {
    const char *path = getenv("FAKE_NVML");
    struct stat now;
    if (!path || stat(path, &now)) { line_count = 0; return; }
    if (now.st_ino == read_as.st_ino && now.st_size == read_as.st_size &&
        now.st_mtim.tv_sec == read_as.st_mtim.tv_sec && now.st_mtim.tv_nsec == read_as.st_mtim.tv_nsec) return;
    FILE *file = fopen(path, "r");
    if (!file) { line_count = 0; return; }
    char text[300];
    line_count = 0;
    while (line_count < LINES && fgets(text, sizeof text, file)) {
        text[strcspn(text, "\n")] = 0;
        char *space = strchr(text, ' ');
        if (!space || text[0] == '#') continue;
        *space = 0;
        snprintf(lines[line_count].key, sizeof lines[0].key, "%.90s", text);
        snprintf(lines[line_count].value, sizeof lines[0].value, "%.150s", space + 1);
        line_count++;
    }
    fclose(file);
    read_as = now;
}

static const char *get(const char *key) {
    for (int i = 0; i < line_count; i++)
        if (!strcmp(lines[i].key, key)) return lines[i].value;
    return NULL;
}

static const char *fact(const device *d, const char *name) {
    char key[160];
    if (d->mig) snprintf(key, sizeof key, "gpu%d.mig%d.%s", d->gpu, d->mig - 1, name);
    else snprintf(key, sizeof key, "gpu%d.%s", d->gpu, name);
    return get(key);
}

int fake_calls(const char *name) {
    for (int i = 0; i < NAMES; i++)
        if (!strcmp(counts[i].name, name)) return counts[i].calls;
    return 0;
}

static void count(const char *name) {
    for (int i = 0; i < NAMES; i++) {
        if (!counts[i].name[0]) snprintf(counts[i].name, sizeof counts[i].name, "%s", name);
        if (!strcmp(counts[i].name, name)) { counts[i].calls++; return; }
    }
}

/* What every call does first: the code that the scenario wants of it, 0 to go on. */
static int begin(const char *name, const device *d) {
    char key[160];
    const char *value;
    load();
    count(name);
    snprintf(key, sizeof key, "sleep_ms.%s", name);
    if ((value = get(key))) {
        long ms = atol(value);
        struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
        nanosleep(&t, NULL);
    }
    snprintf(key, sizeof key, "fail.%s", name);
    if ((value = get(key))) return atoi(value);
    if (!initialised && strcmp(name, "nvmlInitWithFlags")) return UNINITIALIZED;
    if (!d) return OK;
    snprintf(key, sizeof key, "gpu%d.lost", d->gpu);
    if (get(key)) return LOST;
    snprintf(key, sizeof key, "fail.%s", name);
    return (value = fact(d, key)) ? atoi(value) : OK;
}

#define BEGIN(d) do { int code = begin(__func__, d); if (code) return code; } while (0)

static int number(const device *d, const char *name, unsigned long long *out) {
    const char *value = fact(d, name);
    if (!value) return UNSUPPORTED;
    *out = strtoull(value, NULL, 10);
    return OK;
}

static int small(const device *d, const char *name, unsigned *out) {
    unsigned long long value;
    int code = number(d, name, &value);
    if (!code) *out = (unsigned)value;
    return code;
}

static int text(const char *value, char *out, unsigned size) {
    if (!value) return UNSUPPORTED;
    if (strlen(value) >= size) return TOO_SMALL;
    strcpy(out, value);
    return OK;
}

/* ── the library ── */
int nvmlInitWithFlags(unsigned flags) { (void)flags; BEGIN(NULL); initialised++; return OK; }
int nvmlShutdown(void) { BEGIN(NULL); initialised--; return OK; }
const char *nvmlErrorString(int code) { (void)code; return "an error of the scenario"; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) { BEGIN(NULL); return text(get("driver"), out, size); }
int nvmlSystemGetNVMLVersion(char *out, unsigned size) { BEGIN(NULL); return text(get("nvml"), out, size); }
int nvmlSystemGetCudaDriverVersion(int *out) {
    BEGIN(NULL);
    const char *value = get("cuda");
    if (!value) return UNSUPPORTED;
    *out = atoi(value);
    return OK;
}
int nvmlSystemGetCudaDriverVersion_v2(int *out) { return nvmlSystemGetCudaDriverVersion(out); }

int nvmlDeviceGetCount_v2(unsigned *out) {
    BEGIN(NULL);
    const char *value = get("gpus");
    *out = value ? (unsigned)atoi(value) : 0;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **out) {
    if (index >= GPUS) return INVALID;
    device *d = &devices[index][0];
    d->gpu = (int)index;
    BEGIN(d);
    *out = d;
    return OK;
}

/* ── what a device is ── */
int nvmlDeviceGetName(device *d, char *out, unsigned size) { BEGIN(d); return text(fact(d, "name"), out, size); }
int nvmlDeviceGetUUID(device *d, char *out, unsigned size) { BEGIN(d); return text(fact(d, "uuid"), out, size); }
int nvmlDeviceGetSerial(device *d, char *out, unsigned size) { BEGIN(d); return text(fact(d, "serial"), out, size); }
int nvmlDeviceGetMinorNumber(device *d, unsigned *out) { BEGIN(d); return small(d, "minor", out); }
typedef struct { char legacy[16]; unsigned n[5]; char id[32]; } pci_info;
int nvmlDeviceGetPciInfo_v3(device *d, pci_info *out) {
    BEGIN(d);
    memset(out, 0, sizeof *out);
    return text(fact(d, "pci_bus_id"), out->id, sizeof out->id);
}
int nvmlDeviceGetCudaComputeCapability(device *d, int *major, int *minor) {
    BEGIN(d);
    const char *value = fact(d, "compute_capability");
    return value && sscanf(value, "%d.%d", major, minor) == 2 ? OK : UNSUPPORTED;
}
int nvmlDeviceGetPersistenceMode(device *d, unsigned *out) { BEGIN(d); return small(d, "persistence", out); }
int nvmlDeviceGetMaxPcieLinkGeneration(device *d, unsigned *out) { BEGIN(d); return small(d, "pcie_gen_max", out); }
int nvmlDeviceGetMaxPcieLinkWidth(device *d, unsigned *out) { BEGIN(d); return small(d, "pcie_width_max", out); }
int nvmlDeviceGetMaxClockInfo(device *d, unsigned type, unsigned *out) {
    BEGIN(d);
    return small(d, type == 2 ? "memory_clock_max" : "sm_clock_max", out);
}
static int mask(const device *d, const char *name, unsigned size, uint64_t *out) {
    unsigned long long value;
    int code = number(d, name, &value);
    if (code) return code;
    memset(out, 0, size * sizeof *out);
    out[0] = value;
    return OK;
}
int nvmlDeviceGetCpuAffinity(device *d, unsigned size, uint64_t *out) { BEGIN(d); return mask(d, "cpu_mask", size, out); }
int nvmlDeviceGetMemoryAffinity(device *d, unsigned size, uint64_t *out, unsigned scope) {
    (void)scope;
    BEGIN(d);
    return mask(d, "numa_mask", size, out);
}
int nvmlDeviceGetTopologyCommonAncestor(device *a, device *b, unsigned *out) {
    BEGIN(a);
    char name[32];
    snprintf(name, sizeof name, "ancestor.gpu%d", b->gpu);
    return small(a, name, out);
}
int nvmlDeviceGetP2PStatus(device *a, device *b, unsigned index, unsigned *out) {
    BEGIN(a);
    char name[32];
    snprintf(name, sizeof name, "p2p%u.gpu%d", index, b->gpu); /* index 2: over NVLink */
    return small(a, name, out);
}

/* ── what moves ── */
int nvmlDeviceGetMemoryInfo(device *d, unsigned long long *out) {
    BEGIN(d);
    if (number(d, "memory_total", &out[0])) return UNSUPPORTED;
    if (number(d, "memory_used", &out[2])) return UNSUPPORTED;
    out[1] = out[0] - out[2];
    return OK;
}
typedef struct { unsigned version; unsigned long long n[4]; } memory_v2;
int nvmlDeviceGetMemoryInfo_v2(device *d, memory_v2 *out) {
    BEGIN(d);
    if (out->version != 0x02000028) return 25;
    if (number(d, "memory_total", &out->n[0])) return UNSUPPORTED;
    if (number(d, "memory_reserved", &out->n[1])) out->n[1] = 0;
    if (number(d, "memory_used", &out->n[3])) return UNSUPPORTED;
    out->n[2] = out->n[0] - out->n[1] - out->n[3];
    return OK;
}
int nvmlDeviceGetUtilizationRates(device *d, unsigned *out) {
    BEGIN(d);
    int code = small(d, "gpu_utilisation", &out[0]);
    return code ? code : small(d, "memory_utilisation", &out[1]);
}
int nvmlDeviceGetTemperature(device *d, unsigned sensor, unsigned *out) {
    (void)sensor;
    BEGIN(d);
    return small(d, "temperature", out);
}
typedef struct { unsigned version, sensor; int celsius; } temperature_v1;
int nvmlDeviceGetTemperatureV(device *d, temperature_v1 *out) {
    BEGIN(d);
    return small(d, "temperature", (unsigned *)&out->celsius);
}
int nvmlDeviceGetPowerUsage(device *d, unsigned *out) { BEGIN(d); return small(d, "power_mw", out); }
int nvmlDeviceGetEnforcedPowerLimit(device *d, unsigned *out) { BEGIN(d); return small(d, "power_limit_mw", out); }
int nvmlDeviceGetTotalEnergyConsumption(device *d, unsigned long long *out) { BEGIN(d); return number(d, "energy_mj", out); }
int nvmlDeviceGetClockInfo(device *d, unsigned type, unsigned *out) {
    BEGIN(d);
    return small(d, type == 2 ? "memory_clock" : "sm_clock", out);
}
int nvmlDeviceGetPerformanceState(device *d, unsigned *out) { BEGIN(d); return small(d, "pstate", out); }
int nvmlDeviceGetCurrentClocksEventReasons(device *d, unsigned long long *out) { BEGIN(d); return number(d, "clock_events", out); }
int nvmlDeviceGetCurrPcieLinkGeneration(device *d, unsigned *out) { BEGIN(d); return small(d, "pcie_gen", out); }
int nvmlDeviceGetCurrPcieLinkWidth(device *d, unsigned *out) { BEGIN(d); return small(d, "pcie_width", out); }
int nvmlDeviceGetPcieReplayCounter(device *d, unsigned *out) { BEGIN(d); return small(d, "pcie_replays", out); }
int nvmlDeviceGetPcieThroughput(device *d, unsigned counter, unsigned *out) {
    BEGIN(d);
    return small(d, counter ? "pcie_rx_kb" : "pcie_tx_kb", out);
}
int nvmlDeviceGetNvLinkState(device *d, unsigned link, unsigned *out) {
    BEGIN(d);
    char name[32];
    snprintf(name, sizeof name, "nvlink%u", link);
    return small(d, name, out);
}
int nvmlDeviceGetEccMode(device *d, unsigned *now, unsigned *pending) {
    BEGIN(d);
    int code = small(d, "ecc", now);
    *pending = *now;
    return code;
}
int nvmlDeviceGetTotalEccErrors(device *d, unsigned type, unsigned counter, unsigned long long *out) {
    BEGIN(d);
    char name[64];
    snprintf(name, sizeof name, "ecc_%scorrected_%s", type ? "un" : "", counter ? "aggregate" : "volatile");
    return number(d, name, out);
}
int nvmlDeviceGetRetiredPagesPendingStatus(device *d, unsigned *out) { BEGIN(d); return small(d, "retired_pending", out); }
int nvmlDeviceGetRemappedRows(device *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed) {
    BEGIN(d);
    const char *value = fact(d, "remapped"); /* four figures */
    return value && sscanf(value, "%u %u %u %u", corrected, uncorrected, pending, failed) == 4 ? OK : UNSUPPORTED;
}

typedef struct {
    uint32_t field, scope;
    int64_t timestamp, latency;
    uint32_t type, code;
    union { double d; unsigned u; unsigned long long ull; } value;
} field_value;

int nvmlDeviceGetFieldValues(device *d, int n, field_value *out) {
    BEGIN(d);
    for (int i = 0; i < n; i++) { /* one value a field: gpu0.field82 41 */
        char name[32];
        unsigned long long value;
        snprintf(name, sizeof name, "field%u", out[i].field);
        out[i].code = (uint32_t)number(d, name, &value);
        out[i].type = 3;
        if (!out[i].code) out[i].value.ull = value;
    }
    return OK;
}

typedef struct { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; } process;

static int processes(device *d, const char *name, unsigned *n, process *out) {
    const char *value = fact(d, name); /* "pid:bytes pid:bytes"; "-" for none */
    if (!value) return UNSUPPORTED;
    unsigned found = 0, room = out ? *n : 0;
    for (const char *at = value; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL) {
        process one = { 0, 0, ~0u, ~0u };
        long long memory;
        if (sscanf(at, "%u:%lld", &one.pid, &memory) != 2) continue;
        one.memory = (unsigned long long)memory; /* -1: not known */
        if (found < room) out[found] = one;
        found++;
    }
    *n = found;
    return found > room ? TOO_SMALL : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(device *d, unsigned *n, process *out) {
    BEGIN(d);
    return processes(d, "processes", n, out);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(device *d, unsigned *n, process *out) {
    BEGIN(d);
    return processes(d, "graphics_processes", n, out);
}

/* ── MIG ── */
int nvmlDeviceGetMigMode(device *d, unsigned *now, unsigned *pending) {
    BEGIN(d);
    int code = small(d, "mig", now);
    *pending = *now;
    return code;
}
int nvmlDeviceGetMaxMigDeviceCount(device *d, unsigned *out) { BEGIN(d); *out = MIGS; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(device *d, unsigned index, device **out) {
    BEGIN(d);
    if (index >= MIGS) return INVALID;
    device *made = &devices[d->gpu][index + 1];
    made->gpu = d->gpu;
    made->mig = (int)index + 1;
    if (!fact(made, "uuid")) return NOT_FOUND;
    *out = made;
    return OK;
}
int nvmlDeviceGetGpuInstanceId(device *d, unsigned *out) { BEGIN(d); return small(d, "gpu_instance", out); }
int nvmlDeviceGetComputeInstanceId(device *d, unsigned *out) { BEGIN(d); return small(d, "compute_instance", out); }

/* ── events ── */
int nvmlEventSetCreate(void **out) { BEGIN(NULL); *out = &event_next; return OK; }
int nvmlEventSetFree(void *set) { (void)set; BEGIN(NULL); return OK; }
int nvmlDeviceRegisterEvents(device *d, unsigned long long types, void *set) { (void)types; (void)set; BEGIN(d); return OK; }
typedef struct { device *d; unsigned long long type, data; unsigned gi, ci; } event;
int nvmlEventSetWait_v2(void *set, event *out, unsigned ms) {
    (void)set; (void)ms;
    BEGIN(NULL);
    char key[32];
    int gpu;
    unsigned long long xid;
    snprintf(key, sizeof key, "event%d", event_next);
    const char *value = get(key);
    if (!value || sscanf(value, "gpu%d %llu", &gpu, &xid) != 2 || gpu < 0 || gpu >= GPUS) return TIMEOUT;
    event_next++;
    out->d = &devices[gpu][0];
    out->type = 8;
    out->data = xid;
    out->gi = out->ci = ~0u;
    return OK;
}
