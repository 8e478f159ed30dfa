from workbench.bench import gate


def test_the_gate_benchmark_finds_no_breach_and_its_bound_is_cheaper_than_the_scenarios():
    found = gate.figures(quick=True)

    assert found["breaches"] == 0
    assert 0 < found["us_per_check"] < found["us_per_check_exact"]
