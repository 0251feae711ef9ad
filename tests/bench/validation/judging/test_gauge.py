from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats
from stampbench.bench.validation.judging.gauge import Grade, gauge_study
from stampbench.firmware_emulator.errors import InputError

# AIAG, Measurement Systems Analysis, 4th edition: ten parts, three appraisers, three trials.
AIAG = np.array(
    [
        [
            [0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36],
            [0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25],
            [0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31],
        ],
        [
            [0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68],
            [0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62],
            [0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50],
        ],
        [
            [0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49],
            [-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77],
            [-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16],
        ],
    ]
).transpose(2, 0, 1)


def test_study_is_the_published_one():
    study = gauge_study(AIAG)
    squares = {row.source: round(row.sum_of_squares, 4) for row in study.anova}
    assert squares == {
        "appraiser": 3.1673,
        "part": 88.3619,
        "appraiser x part": 0.3590,
        "repeatability": 2.7589,
    }
    assert study.anova[2].f == pytest.approx(0.434, abs=5e-4)
    assert study.interaction == 0.0
    assert study.repeatability == pytest.approx(0.199933, abs=1e-6)
    assert study.reproducibility == pytest.approx(0.226838, abs=1e-6)
    assert study.grr == pytest.approx(0.302373, abs=3e-6)
    assert study.part == pytest.approx(1.042327, abs=1e-6)
    assert study.total == pytest.approx(1.085, abs=5e-4)
    assert study.of_total == pytest.approx(0.279, abs=5e-4)
    assert study.categories == 4
    assert study.grade is Grade.MARGINAL


def test_a_share_of_the_tolerance_is_six_standard_deviations_of_the_gauge():
    # AIAG, Measurement Systems Analysis, 4th edition, chapter III: 6 GRR over the tolerance.
    study = gauge_study(AIAG, tolerance=6.0)
    assert study.of_tolerance == pytest.approx(0.302373, abs=3e-6)
    assert study.of_tolerance_interval == study.grr_interval
    assert gauge_study(AIAG, tolerance=3.0).of_tolerance == 2.0 * study.of_tolerance


@pytest.mark.parametrize(
    ("tolerance", "grade"),
    [(60.0, Grade.GOOD), (59.4, Grade.MARGINAL), (20.0, Grade.MARGINAL), (19.9, Grade.BAD)],
)
def test_a_gauge_is_good_up_to_a_tenth_and_bad_beyond_three_tenths(tolerance, grade):
    study = dataclasses.replace(gauge_study(AIAG), grr=1.0, tolerance=tolerance)
    assert study.grade is grade


@pytest.mark.parametrize(("ratio", "categories"), [(3.53, 4), (3.54, 5)])
def test_distinct_categories_are_the_root_of_two_times_parts_over_gauge(ratio, categories):
    assert dataclasses.replace(gauge_study(AIAG), part=ratio, grr=1.0).categories == categories


@pytest.mark.parametrize(("p", "pooled"), [(0.26, True), (0.24, False)])
def test_an_interaction_less_significant_than_a_quarter_is_pooled(p, pooled):
    # Cells whose two values lie one to either side: the mean square of errors is 2, that of the interaction
    # of two appraisers with two parts, cell by cell +-c, is 8 c^2, with 1 and 4 degrees of freedom.
    c = np.sqrt(2.0 * stats.f.isf(p, 1, 4) / 8.0)
    cells = np.array([[c, -c], [-c, c]])[..., None]
    study = gauge_study(cells + np.array([-1.0, 1.0]))
    assert study.anova[2].p == pytest.approx(p)
    assert (study.interaction == 0.0) is pooled


def made(rng, parts, appraisers, repeats, *, ev, av, pv, interaction=0.0):
    return (
        rng.normal(0, pv, (parts, 1, 1))
        + rng.normal(0, av, (1, appraisers, 1))
        + rng.normal(0, interaction, (parts, appraisers, 1))
        + rng.normal(0, ev, (parts, appraisers, repeats))
    )


@pytest.mark.parametrize("interaction", [0.0, 0.3])
def test_components_are_those_the_values_were_made_of(interaction):
    rng = np.random.default_rng(6)
    truth = {"repeatability": 0.2, "reproducibility": 0.4, "part": 1.0, "interaction": interaction}
    studies = [
        gauge_study(made(rng, 12, 6, 3, ev=0.2, av=0.4, pv=1.0, interaction=interaction)) for _ in range(1000)
    ]
    for name, sd in truth.items():
        found = np.sqrt(np.mean([getattr(study, name) ** 2 for study in studies]))
        assert found == pytest.approx(sd, rel=0.06, abs=0.04)


def test_squares_agree_with_a_least_squares_fit_of_each_model():
    x = made(np.random.default_rng(2), 5, 3, 2, ev=0.3, av=0.2, pv=1.0, interaction=0.4)
    part, appraiser, _ = (index.ravel() for index in np.indices(x.shape))
    columns = {
        "mean": np.ones((x.size, 1)),
        "part": np.eye(5)[part],
        "appraiser": np.eye(3)[appraiser],
        "appraiser x part": np.eye(15)[3 * part + appraiser],
    }

    def residual(*names):
        design = np.hstack([columns[name] for name in names])
        fitted = design @ np.linalg.lstsq(design, x.ravel(), rcond=None)[0]
        return float(((x.ravel() - fitted) ** 2).sum())

    squares = {row.source: row.sum_of_squares for row in gauge_study(x).anova}
    assert squares["part"] == pytest.approx(residual("mean") - residual("mean", "part"))
    assert squares["appraiser"] == pytest.approx(residual("mean") - residual("mean", "appraiser"))
    both = residual("mean", "part", "appraiser")
    assert squares["appraiser x part"] == pytest.approx(both - residual("appraiser x part"))
    assert squares["repeatability"] == pytest.approx(residual("appraiser x part"))


def test_alike_parts_are_no_fault_of_a_gauge_that_fits_the_tolerance():
    values = made(np.random.default_rng(3), 10, 2, 3, ev=0.01, av=0.005, pv=0.0)
    assert gauge_study(values).grade is Grade.BAD
    assert gauge_study(values, tolerance=1.0).grade is Grade.GOOD


def test_a_biased_and_a_restless_appraiser_show_in_their_own_numbers():
    rng = np.random.default_rng(4)
    values = made(rng, 10, 3, 4, ev=0.02, av=0.0, pv=0.1)
    values[:, 1] += 0.3
    values[:, 2] += rng.normal(0, 0.2, (10, 4))
    study = gauge_study(values)
    assert study.biases[1] == pytest.approx(0.2, abs=0.05)
    assert study.repeatabilities[2] > 5 * study.repeatabilities[0]


def test_a_single_appraiser_says_nothing_of_reproducibility():
    study = gauge_study(made(np.random.default_rng(5), 10, 1, 3, ev=0.1, av=0.0, pv=1.0))
    assert study.reproducibility == study.interaction == 0.0
    assert study.repeatability == pytest.approx(0.1, rel=0.4)


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 2, 1), (3, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="expected \\(parts, appraisers, repeats\\)"):
        gauge_study(np.zeros(shape))


def test_a_missing_value_is_refused():
    values = np.zeros((3, 2, 2))
    values[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="every part measured by every appraiser"):
        gauge_study(values)


def studies(share_of_tolerance, sizes, count=400):
    """Studies of a gauge that truly takes this share of a tolerance of 0.6, half of it between appraisers."""
    rng = np.random.default_rng(3)
    sd = share_of_tolerance * 0.6 / 6.0 / np.sqrt(2.0)
    parts, appraisers, _ = sizes
    for _ in range(count):
        yield gauge_study(
            0.05 * rng.standard_normal((parts, 1, 1))
            + sd * rng.standard_normal((1, appraisers, 1))
            + sd * rng.standard_normal(sizes),
            0.6,
        )


@pytest.mark.parametrize("sizes", [(5, 2, 2), (10, 3, 3), (3, 2, 5)])
def test_each_end_of_the_interval_of_the_gauge_holds_at_95_percent(sizes):
    found = [study.of_tolerance_interval for study in studies(0.3, sizes)]
    # 0.94 less two standard errors of 400; of 4,000 studies either covers in 0.94 or more.
    assert np.mean([high >= 0.3 for _, high in found]) >= 0.917
    assert np.mean([low <= 0.3 for low, _ in found]) >= 0.917


def test_a_gauge_that_takes_45_percent_is_seldom_proven_to_take_30():
    passes = [study.of_tolerance_interval[1] <= 0.3 for study in studies(0.45, (5, 2, 2))]
    assert np.mean(passes) <= 0.05


def test_one_appraiser_says_nothing_of_reproducibility():
    study = gauge_study(np.random.default_rng(1).standard_normal((5, 1, 4)), 100.0)
    assert [term.freedom for term in study.terms] == [15]
