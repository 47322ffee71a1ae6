"""Wrong optimizers, each named after its error, and the laws that must break on it; right ones beside them."""

from __future__ import annotations

from dataclasses import dataclass

THETA, STATE, COUNT, INITIAL, FINISHES, PATHS = "SC101", "SC102", "SC103", "SC104", "SC201", "SC202"


@dataclass(frozen=True)
class Planted:
    """A class of this folder as "file.py:Name", the rule it claims, and the laws that must break at least.

    No law breaks on a control. ``dtype`` and ``mode`` are such in which the error can be seen; what is wrong in
    another mode than "single" is right in that one. What ``hangs`` never comes back.
    """

    where: str
    claims: str
    breaks: frozenset[str]
    dtype: str = "float32"
    mode: str = "single"
    hangs: bool = False

    @property
    def name(self) -> str:
        """The class's name."""
        return self.where.partition(":")[2]

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes it is certified in: its own, and the plain one beside it."""
        return tuple(dict.fromkeys(("single", self.mode)))


def _wrong(
    where: str, claims: str, *breaks: str, dtype: str = "float32", mode: str = "single", hangs: bool = False
) -> Planted:
    return Planted(where, claims, frozenset(breaks), dtype, mode, hangs)


WRONG: tuple[Planted, ...] = (
    _wrong("adam.py:AdamEpsHat", "adam", THETA),
    _wrong("adam.py:AdamEpsInsideRoot", "adam", THETA),
    _wrong("adam.py:AdamWithoutEps", "adam", THETA),
    _wrong("adam.py:AdamWithoutRoot", "adam", THETA),
    _wrong("adam.py:AdamWithoutBiasCorrection", "adam", THETA),
    _wrong("adam.py:AdamWithoutFirstMomentCorrection", "adam", THETA),
    _wrong("adam.py:AdamWithoutSecondMomentCorrection", "adam", THETA),
    _wrong("adam.py:AdamBiasCorrectionOffByOne", "adam", THETA),
    _wrong("adam.py:AdamBiasCorrectionOfLastStep", "adam", THETA),
    _wrong("adam.py:AdamSwappedBetas", "adam", STATE),
    _wrong("adam.py:AdamSquaresAfterAveraging", "adam", STATE),
    _wrong("adam.py:AdamAveragesMagnitudes", "adam", STATE),
    _wrong("adam.py:AdamUsesOldMoments", "adam", THETA),
    _wrong("adam.py:AdamFirstMomentStartsAtGradient", "adam", STATE),
    _wrong("adam.py:AdamSecondMomentStartsAtOne", "adam", INITIAL),
    _wrong("adam.py:AdamCoupledDecayClaimedDecoupled", "adamw", THETA, STATE),
    _wrong("adam.py:AdamDecoupledDecayClaimedCoupled", "adam_l2", THETA, STATE),
    _wrong("adam.py:AdamWDecayWithoutLr", "adamw", THETA),
    _wrong("adam.py:AdamWDecayAfterStep", "adamw", THETA),
    _wrong("adam.py:AdamWDecaysMomentToo", "adamw", STATE),
    _wrong("adam.py:AdamEpsScaledByCorrection", "adam", THETA),
    _wrong("adam.py:AdamMinimizesWhereDecayed", "adam_l2+maximize", THETA, STATE, "SC210"),
    _wrong("amsgrad.py:AmsgradForgetsMaximum", "amsgrad", STATE, "SC606"),
    _wrong("amsgrad.py:AmsgradIgnoresMaximum", "amsgrad", THETA, "SC606"),
    _wrong("amsgrad.py:AmsgradMaximumOfCorrected", "amsgrad", STATE),
    _wrong("amsgrad.py:AmsgradMaximumUncorrected", "amsgrad", THETA),
    _wrong("bookkeeping.py:AdamStepCounterStuckAt256", "adam", COUNT, dtype="bfloat16"),
    _wrong("bookkeeping.py:AdamSharedStepCount", "adam", COUNT),
    _wrong("bookkeeping.py:AdamCountsEveryParameter", "adam", COUNT),
    _wrong("bookkeeping.py:AdamCountsMissingGradients", "adam", COUNT),
    _wrong("bookkeeping.py:AdamTreatsNoneGradientAsZero", "adam", STATE),
    _wrong("bookkeeping.py:AdamForgetsCounterOnReload", "adam", COUNT),
    _wrong("bookkeeping.py:AdamFirstGroupForAll", "adam", THETA),
    _wrong("bookkeeping.py:AdamIgnoresScheduler", "adam", THETA),
    _wrong("bookkeeping.py:AdamMovesCopyOfStridedParameter", "adam", THETA),
    _wrong("bookkeeping.py:AdamSkipsLastElement", "adam", THETA),
    _wrong("bookkeeping.py:AdamNanAtZeroGradient", "adam", THETA),
    _wrong("bookkeeping.py:AdamDropsTinyGradients", "adam", STATE),
    _wrong("precision.py:AdamBeta2RoundedToBfloat16", "adam", STATE),
    _wrong("precision.py:AdamBetasRoundedToFloat16", "adam", STATE),
    _wrong("precision.py:AdamEpsRoundedToFloat16", "adam", THETA),
    _wrong("precision.py:AdamLrRoundedToBfloat16", "adam", THETA),
    _wrong("precision.py:AdamSquaresInBfloat16", "adam", STATE),
    _wrong("precision.py:AdamComputesInFloat32", "adam", THETA, dtype="float64"),
    _wrong("precision.py:AdamFloat32ScalarsFromOne", "adam", INITIAL),
    _wrong("sgd.py:SgdAscends", "sgd", THETA),
    _wrong("sgd.py:SgdFirstGroupForAll", "sgd", THETA),
    _wrong("sgd.py:SgdDampensFirstGradient", "momentum", STATE),
    _wrong("sgd.py:SgdBufferHoldsLr", "momentum", STATE),
    _wrong("sgd.py:SgdAveragesInsteadOfSums", "momentum", STATE),
    _wrong("sgd.py:SgdStepsBeforeBuffer", "momentum", THETA),
    _wrong("sgd.py:SgdNesterovUsesOldBuffer", "nesterov", THETA),
    _wrong("sgd.py:SgdNesterovWithoutGradient", "nesterov", THETA),
    _wrong("sgd.py:SgdDecayAfterMomentum", "momentum+coupled_decay", THETA, STATE),
    _wrong("sgd.py:SgdwDecaysByGroupNumber", "momentum+decoupled_decay", THETA),
    _wrong("lookahead.py:LookaheadNotTaken", "nesterov_lookahead", STATE),
    _wrong("lookahead.py:LookaheadTooFar", "nesterov_lookahead", STATE),
    _wrong("lookahead.py:LookaheadAverages", "nesterov_lookahead", STATE),
    _wrong("adagrad.py:AdagradEpsInside", "adagrad", THETA),
    _wrong("adagrad.py:AdagradWithoutRoot", "adagrad", THETA, "SC607"),
    _wrong("adagrad.py:AdagradDecaysRateFromT", "adagrad+lr_decay", THETA),
    _wrong("adagrad.py:AdagradStartsAtTenth", "adagrad", INITIAL),
    _wrong("rmsprop.py:RmspropEpsInside", "rmsprop", THETA),
    _wrong("rmsprop.py:RmspropDividesByAverage", "rmsprop", THETA),
    _wrong("rmsprop.py:RmspropCenteredWithoutSubtracting", "rmsprop_centered", THETA),
    _wrong("rmsprop.py:RmspropBufferHoldsLr", "rmsprop_momentum", STATE),
    _wrong("rmsprop.py:RmspropCenteredMomentumAverages", "rmsprop_centered_momentum", STATE),
    _wrong("adadelta.py:AdadeltaUsesNewUpdates", "adadelta", THETA, STATE),
    _wrong("adadelta.py:AdadeltaEpsOutsideRoots", "adadelta", THETA, STATE),
    _wrong("adadelta.py:AdadeltaAveragesGradients", "adadelta", THETA, STATE),
    _wrong("adamax.py:AdamaxWithoutBiasCorrection", "adamax", THETA),
    _wrong("adamax.py:AdamaxEpsOutside", "adamax", THETA, STATE),
    _wrong("adamax.py:AdamaxForgetsAge", "adamax", STATE),
    _wrong("nadam.py:NadamUsesThisMomentumAhead", "nadam", THETA),
    _wrong("nadam.py:NadamForgetsProduct", "nadam", STATE),
    _wrong("nadam.py:NadamMultipliesMomentumTwice", "nadam", STATE),
    _wrong("nadam.py:NadamHasNoSchedule", "nadam", THETA, STATE),
    _wrong("radam.py:RadamRectifiesFromFour", "radam", THETA),
    _wrong("radam.py:RadamWithoutRectification", "radam", THETA),
    _wrong("asgd.py:AsgdStepsWithNewRate", "asgd", THETA),
    _wrong("asgd.py:AsgdAveragesOneStepEarly", "asgd", STATE),
    _wrong("asgd.py:AsgdAveragesEverything", "asgd", STATE),
    _wrong("rprop.py:RpropWithoutBounds", "rprop", STATE),
    _wrong("rprop.py:RpropKeepsTurnedGradient", "rprop", THETA, STATE),
    _wrong("rprop.py:RpropShrinksAtRest", "rprop", STATE),
    _wrong("rprop.py:RpropSwapsBounds", "rprop", STATE),
    _wrong("rprop.py:RpropLagsOneStep", "rprop", THETA),
    _wrong("lion.py:LionCoupledDecay", "lion", THETA, STATE),
    _wrong("lion.py:LionOneBetaForBoth", "lion", STATE),
    _wrong("lion.py:LionStepsAlongAverage", "lion", THETA),
    _wrong("lion.py:LionSkipsDecayAtRest", "lion", THETA),
    _wrong("lion.py:SignSgdNormalizes", "sign_sgd", THETA),
    _wrong("paths.py:AmsgradForeachNeverStoresMaximum", "amsgrad", STATE, PATHS, mode="foreach"),
    _wrong("paths.py:RadamForeachIgnoresEps", "radam", THETA, mode="foreach"),
    _wrong("paths.py:AsgdForeachTakesFirstRate", "asgd", THETA, mode="foreach"),
    _wrong("contracts.py:SgdWritesDecayIntoGradient", "sgd+coupled_decay", "SC203"),
    _wrong("contracts.py:AdamWDecaysWithoutGradient", "adamw", "SC204"),
    _wrong("contracts.py:AdamTakesRateOfFirstTensor", "adam", "SC205"),
    _wrong("contracts.py:SgdDecaysByGroupIndex", "sgd+coupled_decay", "SC206"),
    _wrong("contracts.py:AdamKeepsStatesInFirstDtype", "adam", "SC207"),
    _wrong("contracts.py:SgdFlattensParameters", "sgd", "SC208"),
    _wrong("contracts.py:AdamSquaresComplexGradients", "adam", STATE, "SC209", dtype="complex64"),
    _wrong("contracts.py:SgdNegatesDecayToo", "sgd+coupled_decay+maximize", "SC210"),
    _wrong("contracts.py:SgdDithers", "sgd", "SC211"),
    _wrong("contracts.py:SgdMovesAtRest", "sgd", "SC212"),
    _wrong("contracts.py:SgdFloorsRate", "sgd", "SC213"),
    _wrong("contracts.py:SgdBoundsRate", "sgd", "SC214"),
    _wrong("contracts.py:AdamReadsEpsFromDefaults", "adam", "SC215"),
    _wrong("contracts.py:AdamChecksOneBeta", "adam", "SC216"),
    _wrong("contracts.py:SgdSwallowsNan", "sgd", "SC217"),
    _wrong("contracts.py:SgdSkipsTensorsWithNan", "sgd", "SC218"),
    _wrong("paths.py:RpropForeachZeroesGradient", "rprop", "SC203", mode="foreach"),
    _wrong("paths.py:AdagradForeachStopsAfterSparseGroup", "adagrad", "SC238", mode="foreach"),
    _wrong("paths.py:AdamFusedIgnoresOverflow", "adam", "SC239", mode="fused"),
    _wrong("lifecycles.py:MomentumForgetsItsBuffer", "momentum", "SC230"),
    _wrong("lifecycles.py:AdamCastsCounterOnLoad", "adam", "SC230", dtype="bfloat16"),
    _wrong("lifecycles.py:MomentumRemembersByIdentity", "momentum", "SC231"),
    _wrong("lifecycles.py:MomentumCannotBePickled", "momentum", "SC231"),
    _wrong("lifecycles.py:MomentumForeachHasItsOwnBuffer", "momentum", "SC232", mode="foreach"),
    _wrong("lifecycles.py:MomentumIgnoresClosure", "momentum", "SC233"),
    _wrong("lifecycles.py:MomentumCallsClosureTwice", "momentum", "SC233"),
    _wrong("lifecycles.py:MomentumReturnsNoLoss", "momentum", "SC233"),
    _wrong("lifecycles.py:MomentumCallsClosureWithoutGrad", "momentum", "SC233"),
    _wrong("lifecycles.py:MomentumRoundsTensorRate", "momentum", "SC234"),
    _wrong("lifecycles.py:MomentumHalvesTensorRate", "momentum", "SC234"),
    _wrong("lifecycles.py:MomentumTakesInitialRate", "momentum", "SC235"),
    _wrong("lifecycles.py:MomentumBufferOfDefaultDtype", "momentum", "SC236"),
    _wrong("lifecycles.py:MomentumKeepsFirstGradient", "momentum", "SC237"),
    _wrong("lifecycles.py:SgdWritesRows", "sgd", "SC238"),
    _wrong("lifecycles.py:SgdMovesOtherRows", "sgd", "SC238"),
    _wrong("lifecycles.py:MomentumStepsThroughOverflow", "momentum", "SC239"),
    _wrong("lifecycles.py:MomentumKeepsOverflow", "momentum", "SC239"),
    _wrong("lifecycles.py:MomentumKeepsLastUpdate", "momentum", "SC240"),
    _wrong("faults.py:AdamCrashesInStepTwo", "adam", FINISHES),
    _wrong("faults.py:AdamHangsInStepTwo", "adam", FINISHES, hangs=True),
    _wrong("faults.py:AdamRaisesOnEmptyTensor", "adam", FINISHES),
    _wrong("faults.py:AdamWidensParameter", "adam", FINISHES),
    _wrong("invariants.py:AmsgradMaximumFades", "amsgrad", "SC301"),
    _wrong("invariants.py:AdamSquaresKeepSign", "adam", "SC302"),
    _wrong("invariants.py:AdagradForgets", "adagrad", "SC301", "SC303", "SC607"),
    _wrong("invariants.py:AdamClipsGradients", "adam", "SC304"),
    _wrong("invariants.py:SgdClippedFromAbove", "sgd", "SC305"),
    _wrong("invariants.py:MomentumShiftsBuffer", "momentum", "SC306"),
    _wrong("invariants.py:AdamClipsByParameter", "adam", "SC307"),
    _wrong("invariants.py:AdamWDecaysCautiously", "adamw", "SC308"),
    _wrong("limits.py:MomentumCountsFirstTwice", "momentum", "SC309"),
    _wrong("limits.py:AdamCorrectsTwice", "adam", "SC310"),
    _wrong("limits.py:AdamHalvesEps", "adam", "SC501"),
    _wrong("limits.py:AdamCorrectsFirstStepAlone", "adam", "SC502"),
    _wrong("equivalences.py:AdamWDecaysAtZero", "adamw", "SC401"),
    _wrong("equivalences.py:NesterovWithOldBuffer", "nesterov", "SC601"),
    _wrong("equivalences.py:AmsgradDividesByNewest", "amsgrad", "SC602", "SC606"),
    _wrong("convergence.py:SgdFades", "sgd", "SC603"),
    _wrong("convergence.py:SgdWarmsUpForEver", "sgd", "SC603"),
    _wrong("convergence.py:NesterovKeepsMomentum", "nesterov", "SC604"),
    _wrong("convergence.py:NesterovLooksBack", "nesterov", "SC604"),
    _wrong("convergence.py:AdamKeepsMaximum", "adam", "SC605"),
    _wrong("convergence.py:AdamRemembersForEver", "adam", "SC605"),
)
"""Every wrong optimizer; a test holds this list to the classes in the files."""

RIGHT: tuple[Planted, ...] = (
    _wrong("controls.py:CorrectAdam", "adam"),
    _wrong("controls.py:HandWrittenAdam", "adam"),
    _wrong("controls.py:HandWrittenAdamFloat32Scalars", "adam"),
    # a past fault that breaks nothing, because float32 scalars allow it; the certificate says that it needs them
    _wrong("adam.py:AdamWLosesSmallDecay", "adamw", dtype="float64"),
    _wrong("controls.py:HandWrittenMomentum", "momentum"),
    _wrong("adagrad.py:HandWrittenAdagrad", "adagrad+initial_accumulator+lr_decay"),
    _wrong("rmsprop.py:HandWrittenRMSprop", "rmsprop_centered_momentum"),
    _wrong("adadelta.py:HandWrittenAdadelta", "adadelta"),
    _wrong("adamax.py:HandWrittenAdamax", "adamax"),
    _wrong("nadam.py:HandWrittenNadam", "nadam"),
    _wrong("radam.py:HandWrittenRadam", "radam"),
    _wrong("asgd.py:HandWrittenAsgd", "asgd"),
    _wrong("rprop.py:HandWrittenRprop", "rprop"),
    _wrong("lion.py:HandWrittenLion", "lion"),
    _wrong("lion.py:HandWrittenSignSgd", "sign_sgd"),
    _wrong("lookahead.py:LookaheadNesterov", "nesterov_lookahead"),
    _wrong("lifecycles.py:MomentumWithLifecycle", "momentum"),
)
"""Every control."""
