"""Known issues of released torch and other libraries: one file each, and one line in ``ALL``."""

from __future__ import annotations

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck.known_issues.pytorch_optimizer.group_step_counter import GROUP_STEP_COUNTER
from stepcheck.known_issues.pytorch_optimizer.ignored_decay import IGNORED_DECAY
from stepcheck.known_issues.pytorch_optimizer.lost_attribute import LOST_ATTRIBUTE
from stepcheck.known_issues.pytorch_optimizer.modified_gradient import (
    DECAYED_GRADIENT,
    LOOKED_AHEAD_GRADIENT,
    LOOKED_AHEAD_GRADIENT_COMPLEX,
    NEGATED_GRADIENT,
)
from stepcheck.known_issues.timm.radam_float32 import TIMM_FLOAT32, TIMM_FLOAT32_NO_RATE, TIMM_FLOAT32_REST
from stepcheck.known_issues.timm.unchecked_betas import TIMM_UNCHECKED_ALPHA, TIMM_UNCHECKED_BETAS
from stepcheck.known_issues.torch.adagrad_groups import ADAGRAD_GROUPS
from stepcheck.known_issues.torch.compiled_zero_dimensions import (
    COMPILED_ZERO_DIMENSIONS,
    COMPILED_ZERO_DIMENSIONS_SGD,
)
from stepcheck.known_issues.torch.folded_step_size_zero import ZERO_RATE
from stepcheck.known_issues.torch.foreach.foreach_narrow_scalars import (
    FOREACH_ADAMAX,
    FOREACH_MOMENTS,
    FOREACH_NESTEROV,
    FOREACH_SGD,
)
from stepcheck.known_issues.torch.foreach.nesterov_gradient import WRITTEN_GRADIENT
from stepcheck.known_issues.torch.foreach.radam_zero_divisor import RADAM_ZERO_DIVISOR
from stepcheck.known_issues.torch.fused.fused_adagrad import FUSED_ADAGRAD_NARROW
from stepcheck.known_issues.torch.fused.fused_cuda import FUSED_CUDA_BETAS, FUSED_CUDA_BETAS_NARROW, FUSED_CUDA_GAPS
from stepcheck.known_issues.torch.fused.fused_gaps import FUSED_GAPS, FUSED_GRADIENT_STRIDES
from stepcheck.known_issues.torch.fused.fused_sgd import (
    FUSED_SGD_LATE_GRADIENT,
    FUSED_SGD_NARROW,
    FUSED_SGD_SKIPPED_START,
)
from stepcheck.known_issues.torch.rprop_shrinkage import RPROP_SHRINKAGE
from stepcheck.known_issues.torch.scalar_states import (
    ASGD_FLOAT32_RATE,
    ASGD_FLOAT32_RATE_FOREACH,
    LOADED_SCALAR_STATES,
    NADAM_FLOAT32_PRODUCT,
    RESUMED_ACROSS_MODES,
    RESUMED_SCALAR_STATES,
)
from stepcheck.known_issues.torch.sparse_adagrad import SPARSE_ADAGRAD_COMPLEX
from stepcheck.known_issues.torch.unchecked_arguments import ASGD_UNCHECKED_LAMBD, RMSPROP_UNCHECKED_ALPHA
from stepcheck.known_issues.torchao.adam_float32 import (
    TORCHAO_FLOAT32,
    TORCHAO_FLOAT32_NO_RATE,
    TORCHAO_FLOAT32_REST,
)

ALL: tuple[KnownIssue, ...] = (
    RADAM_ZERO_DIVISOR,
    LOADED_SCALAR_STATES,
    RESUMED_SCALAR_STATES,
    RESUMED_ACROSS_MODES,
    NADAM_FLOAT32_PRODUCT,
    ASGD_FLOAT32_RATE,
    ASGD_FLOAT32_RATE_FOREACH,
    ADAGRAD_GROUPS,
    RPROP_SHRINKAGE,
    FOREACH_MOMENTS,
    FOREACH_ADAMAX,
    FOREACH_SGD,
    FOREACH_NESTEROV,
    ZERO_RATE,
    FUSED_GAPS,
    FUSED_GRADIENT_STRIDES,
    FUSED_CUDA_GAPS,
    FUSED_CUDA_BETAS,
    FUSED_CUDA_BETAS_NARROW,
    FUSED_SGD_NARROW,
    FUSED_SGD_LATE_GRADIENT,
    FUSED_SGD_SKIPPED_START,
    SPARSE_ADAGRAD_COMPLEX,
    FUSED_ADAGRAD_NARROW,
    WRITTEN_GRADIENT,
    RMSPROP_UNCHECKED_ALPHA,
    ASGD_UNCHECKED_LAMBD,
    COMPILED_ZERO_DIMENSIONS,
    COMPILED_ZERO_DIMENSIONS_SGD,
    GROUP_STEP_COUNTER,
    IGNORED_DECAY,
    LOST_ATTRIBUTE,
    DECAYED_GRADIENT,
    NEGATED_GRADIENT,
    LOOKED_AHEAD_GRADIENT,
    LOOKED_AHEAD_GRADIENT_COMPLEX,
    TIMM_FLOAT32,
    TIMM_FLOAT32_REST,
    TIMM_FLOAT32_NO_RATE,
    TIMM_UNCHECKED_ALPHA,
    TIMM_UNCHECKED_BETAS,
    TORCHAO_FLOAT32,
    TORCHAO_FLOAT32_REST,
    TORCHAO_FLOAT32_NO_RATE,
)
"""Every known issue, in the order in which reports list them."""
