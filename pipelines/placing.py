"""Where the steps of a pipeline run: as KFP does by itself, or on the pools that a recipe names."""

from pathlib import PurePosixPath
from typing import Protocol

from kfp import kubernetes
from kfp.dsl import PipelineTask

from components.image import image
from msm.errors import UserError
from msm.execution import Provider
from msm.pools import ImageRole, Pool
from msm.preflight import key_variable
from msm.recipe import Recipe
from msm.registry.server import PIPELINE_VARIABLE
from msm.signing.keys import PASSWORD_VARIABLE
from msm.task import Stage
from msm.training.trainjob import PRIORITY, QUEUE
from msm.training.trainjob_run import IMAGE_VARIABLE

CONFIG = "msm-config"
VARIABLES = ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "MSM_STORE")  # keys of that ConfigMap
S3, MLFLOW, AUTHOR, HUB = "msm-s3", "msm-mlflow", "msm-author", "msm-hub"  # secrets, by reference
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SIGNING, SIGNING_FOLDER = "msm-signing", "/etc/msm/signing"  # a secret of files, and where it lies
MLFLOW_KEYS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
ASKING = (Stage.PLAN, Stage.WRITE, Stage.CURATE, Stage.DEMONSTRATE, Stage.EVALUATE)
LOADING = (Stage.DEMONSTRATE, Stage.TRAIN, Stage.EVALUATE)  # a student, or chats of a hub
CACHE_CLAIM, CACHE = "msm-cache", "/cache"
LONGEST_PAUSE = "600s"
LIGHT = Pool(cpu="500m", memory="1Gi", timeout_hours=1, retries=1)
RUN_LABEL = "metadata.labels['pipeline/runid']"  # KFP puts it on every pod of a run
TASK, TRAINER = "msm-task", "msm-trainer"  # service accounts
# By these the network policies know a task.
LABELS = {
    "app.kubernetes.io/name": "msm",
    "app.kubernetes.io/component": "task",
    "app.kubernetes.io/part-of": "msm",
}


class Placing(Protocol):
    """Settles where a step runs, and what it finds there."""

    def task(self, step: PipelineTask, recipe: Recipe, stage: Stage) -> None:
        """A task of the experiment."""
        ...

    def light(self, step: PipelineTask, recipe: Recipe) -> None:
        """A step that only hands something on."""
        ...

    def alone(self, step: PipelineTask, recipe: Recipe) -> None:
        """A step that looks at everything, each time anew: the first and the last."""
        ...


class Here:
    """One machine, in this environment: nothing is settled, and nothing tried again."""

    def task(self, step: PipelineTask, recipe: Recipe, stage: Stage) -> None:
        """See ``Placing``."""

    def light(self, step: PipelineTask, recipe: Recipe) -> None:
        """See ``Placing``."""

    def alone(self, step: PipelineTask, recipe: Recipe) -> None:
        """See ``Placing``."""
        step.set_caching_options(False)


class OnPools:
    """A cluster: images by digest, pools by stage, secrets by reference, and more than one try."""

    def task(self, step: PipelineTask, recipe: Recipe, stage: Stage) -> None:
        """See ``Placing``."""
        pool = recipe.execution.pool(stage)
        if stage is Stage.TRAIN and recipe.execution.trainer.job is not None:
            _machine(step, _waiting(pool), ImageRole.CPU)
            step.set_env_variable(IMAGE_VARIABLE, image(ImageRole.TRAIN))
        else:
            _machine(step, pool, image_role(recipe, stage))
        _environment(step)
        _signing(step, recipe)
        if stage in ASKING:
            _keys(step, recipe)
        if stage in LOADING:
            _secret(step, HUB, ("HF_TOKEN",))
            kubernetes.mount_pvc(step, CACHE_CLAIM, CACHE)
            step.set_env_variable("MSM_CACHE", CACHE)

    def light(self, step: PipelineTask, recipe: Recipe) -> None:
        """See ``Placing``."""
        _machine(step, LIGHT, ImageRole.CPU)

    def alone(self, step: PipelineTask, recipe: Recipe) -> None:
        """See ``Placing``."""
        step.set_caching_options(False)
        _machine(step, LIGHT, ImageRole.CPU)
        _environment(step)
        _signing(step, recipe)
        _keys(step, recipe)
        _secret(step, HUB, ("HF_TOKEN",))


def _waiting(pool: Pool) -> Pool:
    """For a task that makes a TrainJob and waits: no machine of the pool's, but its patience."""
    keys = ("timeout_hours", "retries", "backoff_seconds")
    return LIGHT.model_copy(update={key: getattr(pool, key) for key in keys})


def account(recipe: Recipe) -> str:
    """The service account of a recipe's run: one that may make TrainJobs, where it has some."""
    return TRAINER if recipe.execution.trainer.job is not None else TASK


def image_role(recipe: Recipe, stage: Stage) -> ImageRole:
    """Which image a stage's tasks run in: the pool's own, or the one its work needs."""
    pool = recipe.execution.pool(stage)
    if pool.image is not None:
        return pool.image
    if not pool.count:
        return ImageRole.CPU
    student = recipe.execution.student
    in_pod = student.provider is Provider.VLLM and not student.base_url
    return ImageRole.VLLM if stage is Stage.EVALUATE and in_pod else ImageRole.TRAIN


def _machine(step: PipelineTask, pool: Pool, role: ImageRole) -> None:
    step.set_container_image(image(role))
    kubernetes.set_image_pull_policy(step, "IfNotPresent")
    step.set_cpu_request(pool.cpu).set_cpu_limit(pool.cpu)
    step.set_memory_request(pool.memory).set_memory_limit(pool.memory)
    if pool.count:
        step.set_accelerator_type(pool.accelerator).set_accelerator_limit(pool.count)
    for key, value in sorted(pool.node_selector.items()):
        kubernetes.add_node_selector(step, key, value)
    for toleration in pool.tolerations:
        kubernetes.add_toleration(
            step,
            key=toleration.key,
            operator="Equal" if toleration.value else "Exists",
            value=toleration.value or None,
            effect=toleration.effect.value,
        )
    if pool.shared_memory:
        kubernetes.empty_dir_mount(step, "shm", "/dev/shm", "Memory", pool.shared_memory)
    queued = {QUEUE: pool.queue, PRIORITY: pool.priority}
    for label, value in {**LABELS, **queued}.items():
        if value:
            kubernetes.add_pod_label(step, label, value)
    kubernetes.set_timeout(step, round(pool.timeout_hours * 3600))
    if pool.retries:
        step.set_retry(pool.retries, f"{pool.backoff_seconds}s", 2.0, LONGEST_PAUSE)


def _environment(step: PipelineTask) -> None:
    """What the tasks find S3, MLflow and the store by."""
    kubernetes.use_config_map_as_env(step, CONFIG, {name: name for name in VARIABLES})
    _secret(step, S3, S3_KEYS)
    _secret(step, MLFLOW, MLFLOW_KEYS)
    kubernetes.use_field_path_as_env(step, PIPELINE_VARIABLE, RUN_LABEL)


def _keys(step: PipelineTask, recipe: Recipe) -> None:
    """The API keys of the models that the recipe asks, each by its variable's name."""
    variables = {key_variable(recipe.author.model), key_variable(recipe.judge.model)} - {""}
    if variables:
        _secret(step, AUTHOR, tuple(sorted(variables)))


def _signing(step: PipelineTask, recipe: Recipe) -> None:
    """The keys and certificates that the recipe names, as the files of one secret.

    Raises:
        UserError: it names one elsewhere, where no container would find it.
    """
    named = recipe.execution.signing.files
    for file in named:
        if not PurePosixPath(file).is_relative_to(SIGNING_FOLDER):
            raise UserError(
                f"execution.signing: no container has {file}; put it into the secret {SIGNING} and "
                f"name it {SIGNING_FOLDER}/{PurePosixPath(file).name}"
            )
    if named:
        kubernetes.use_secret_as_volume(step, SIGNING, SIGNING_FOLDER)
        _secret(step, SIGNING, (PASSWORD_VARIABLE,))


def _secret(step: PipelineTask, name: str, keys: tuple[str, ...]) -> None:
    kubernetes.use_secret_as_env(step, name, {key: key for key in keys}, optional=True)
