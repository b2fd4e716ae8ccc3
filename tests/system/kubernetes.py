"""JSON Schema of the Kubernetes, Tekton and GitLab objects that the examples use, written by hand from the API references: every field of the
objects that may hold one is listed, so that a misspelt or misplaced one is refused, as a server with strict validation would."""

STRING, BOOL, INT = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
QUANTITY = {"type": "string", "pattern": r"^\d+(\.\d+)?([mkMGTPE]|[KMGTPE]i)?$"}
NAME = {"type": "string", "pattern": r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
PATH = {"type": "string", "pattern": "^/"}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
MAP = {"type": "object", "additionalProperties": {"type": "string"}}
MODE = {"type": "integer", "minimum": 0, "maximum": 0o777}
SECONDS = {"type": "integer", "minimum": 1}
STRINGS = {"type": "array", "items": STRING}


def one_of(*words):
    return {"enum": list(words)}


def every(item, key=None):
    return {"type": "array", "items": item, "minItems": 1}


def fields(*required, **properties):
    """An object with these fields and no others; a name that ends with _ is one that Python keeps for itself."""
    return {"type": "object", "properties": {name.rstrip("_"): schema for name, schema in properties.items()},
            "required": list(required), "additionalProperties": False}


CAPABILITY = {"type": "string", "pattern": "^([A-Z_]+)$", "not": {"pattern": "^CAP_"}}  # Kubernetes wants them without the prefix
PROFILE = fields("type", type=one_of("Unconfined", "RuntimeDefault", "Localhost"), localhostProfile=STRING)
SECURITY_CONTEXT = fields(
    privileged=BOOL, allowPrivilegeEscalation=BOOL, runAsUser=INT, runAsGroup=INT, runAsNonRoot=BOOL, readOnlyRootFilesystem=BOOL,
    capabilities=fields(add=every(CAPABILITY), drop=every(CAPABILITY)), seccompProfile=PROFILE, appArmorProfile=PROFILE,
    procMount=one_of("Default", "Unmasked"), seLinuxOptions=fields(level=STRING, role=STRING, type=STRING, user=STRING))
POD_SECURITY_CONTEXT = fields(
    runAsUser=INT, runAsGroup=INT, runAsNonRoot=BOOL, fsGroup=INT, supplementalGroups=every(INT), seccompProfile=PROFILE,
    appArmorProfile=PROFILE)
KEY_REF = fields("name", "key", name=STRING, key=STRING, optional=BOOL)
ENV = fields("name", name={"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}, value=STRING, valueFrom=fields(
    fieldRef=fields("fieldPath", fieldPath=STRING, apiVersion=STRING), secretKeyRef=KEY_REF, configMapKeyRef=KEY_REF))
PROBE = fields(
    exec=fields("command", command=every(STRING)), tcpSocket=fields("port", port=PORT, host=STRING),
    httpGet=fields("port", port=PORT, path=PATH, host=STRING, scheme=one_of("HTTP", "HTTPS")),
    initialDelaySeconds={"type": "integer", "minimum": 0}, periodSeconds=SECONDS, timeoutSeconds=SECONDS, failureThreshold=SECONDS,
    successThreshold=SECONDS, terminationGracePeriodSeconds=SECONDS)
MOUNT = fields("name", "mountPath", name=NAME, mountPath=PATH, readOnly=BOOL, subPath=STRING,
               mountPropagation=one_of("None", "HostToContainer", "Bidirectional"))
RESOURCES = fields(limits={"type": "object", "additionalProperties": QUANTITY}, requests={"type": "object", "additionalProperties": QUANTITY})
CONTAINER_FIELDS = dict(
    name=NAME, image=STRING, imagePullPolicy=one_of("Always", "IfNotPresent", "Never"), command=every(STRING), args=every(STRING),
    workingDir=STRING, env=every(ENV), securityContext=SECURITY_CONTEXT, volumeMounts=every(MOUNT), resources=RESOURCES,
    startupProbe=PROBE, readinessProbe=PROBE, livenessProbe=PROBE, tty=BOOL, stdin=BOOL,
    ports=every(fields("containerPort", containerPort=PORT, name=NAME, protocol=one_of("TCP", "UDP"))),
    lifecycle=fields(preStop=fields(exec=fields("command", command=every(STRING)))))
CONTAINER = fields("name", "image", **CONTAINER_FIELDS)
# restartPolicy of a container exists for sidecars only.
INIT_CONTAINER = fields("name", "image", **CONTAINER_FIELDS, restartPolicy=one_of("Always"))
ITEMS = every(fields("key", "path", key=STRING, path=STRING, mode=MODE))
VOLUME = {**fields(
    "name", name=NAME, emptyDir=fields(medium=one_of("", "Memory"), sizeLimit=QUANTITY),
    secret=fields("secretName", secretName=STRING, defaultMode=MODE, items=ITEMS, optional=BOOL),
    configMap=fields("name", name=STRING, defaultMode=MODE, items=ITEMS, optional=BOOL),
    persistentVolumeClaim=fields("claimName", claimName=STRING, readOnly=BOOL),
    hostPath=fields("path", path=PATH, type=STRING)), "minProperties": 2, "maxProperties": 2}
POD_FIELDS = dict(
    restartPolicy=one_of("Always", "OnFailure", "Never"), terminationGracePeriodSeconds={"type": "integer", "minimum": 0},
    initContainers=every(INIT_CONTAINER), containers=every(CONTAINER), volumes=every(VOLUME), securityContext=POD_SECURITY_CONTEXT,
    serviceAccountName=STRING, automountServiceAccountToken=BOOL, hostUsers=BOOL, nodeSelector=MAP, runtimeClassName=STRING,
    shareProcessNamespace=BOOL, activeDeadlineSeconds=SECONDS)
POD = fields("containers", **POD_FIELDS)
METADATA = fields(name=NAME, generateName=STRING, namespace=NAME, labels=MAP, annotations=MAP)
TEMPLATE = fields("spec", metadata=METADATA, spec=POD)
# What a Job wants of its pod: the default, Always, is refused.
JOB_POD = fields("containers", "restartPolicy", **{**POD_FIELDS, "restartPolicy": one_of("OnFailure", "Never")})


def kind(api, name, *required, **more):
    return fields("apiVersion", "kind", *required, apiVersion=one_of(api), kind=one_of(name), metadata=METADATA, **more)


STEP = fields("name", "image", name=NAME, image=STRING, imagePullPolicy=CONTAINER_FIELDS["imagePullPolicy"], script=STRING,
              command=every(STRING), args=every(STRING), workingDir=STRING, env=every(ENV), volumeMounts=every(MOUNT),
              securityContext=SECURITY_CONTEXT, computeResources=RESOURCES, timeout=STRING, onError=one_of("continue", "stopAndFail"))
# Sidecars keep `resources`-less containers of a kind: their field is computeResources, and they have a script.
SIDECAR = fields("name", "image", **{key: value for key, value in CONTAINER_FIELDS.items() if key != "resources"},
                 computeResources=RESOURCES, script=STRING)

DOCUMENTS = {
    "Pod": kind("v1", "Pod", "spec", spec=POD),
    "Job": kind("batch/v1", "Job", "spec", spec=fields(
        "template", template=fields("spec", metadata=METADATA, spec=JOB_POD), backoffLimit=INT, completions=INT, parallelism=INT,
        activeDeadlineSeconds=SECONDS, ttlSecondsAfterFinished=INT)),
    "Deployment": kind("apps/v1", "Deployment", "spec", spec=fields(
        "selector", "template", replicas=INT, selector=fields("matchLabels", matchLabels=MAP), template=TEMPLATE,
        strategy=fields("type", type=one_of("Recreate", "RollingUpdate")))),
    "Service": kind("v1", "Service", "spec", spec=fields(
        "ports", selector=MAP, type=one_of("ClusterIP", "NodePort", "LoadBalancer"), clusterIP=STRING,
        ports=every(fields("port", name=NAME, port=PORT, targetPort=PORT, protocol=one_of("TCP", "UDP"))))),
    "Task": kind("tekton.dev/v1", "Task", "spec", spec=fields(
        "steps", description=STRING, steps=every(STEP), sidecars=every(SIDECAR), volumes=every(VOLUME),
        params=every(fields("name", name=STRING, type=one_of("string", "array", "object"), description=STRING, default=STRING)),
        workspaces=every(fields("name", name=STRING, description=STRING, mountPath=PATH, readOnly=BOOL, optional=BOOL)),
        results=every(fields("name", name=STRING, description=STRING, type=STRING)))),
}

# The chart gha-runner-scale-set: its own values, and a pod's specification.
RUNNER_SCALE_SET = fields(
    "githubConfigUrl", "githubConfigSecret", githubConfigUrl={"type": "string", "pattern": "^https://"}, githubConfigSecret=STRING,
    maxRunners=INT, minRunners=INT, runnerGroup=STRING, runnerScaleSetName=STRING, template=TEMPLATE)

JOB_VARIABLES = {"type": "object", "additionalProperties": {"type": "string"}}  # in quotes: YAML's 1 is a number
IMAGE = {"anyOf": [STRING, fields("name", name=STRING, entrypoint=STRINGS, pull_policy=STRING)]}
SERVICE = fields("name", name=STRING, alias=STRING, variables=JOB_VARIABLES, command=STRINGS, entrypoint=STRINGS, pull_policy=STRING)
GITLAB_JOB = fields(
    "script", stage=STRING, image=IMAGE, services=every(SERVICE), variables=JOB_VARIABLES, before_script=STRINGS, script=every(STRING),
    after_script=STRINGS, tags=STRINGS, rules=every({"type": "object"}), needs=STRINGS, timeout=STRING, retry=INT)
GITLAB = {"type": "object", "properties": {"variables": JOB_VARIABLES, "stages": STRINGS, "image": IMAGE},
          "additionalProperties": GITLAB_JOB}
