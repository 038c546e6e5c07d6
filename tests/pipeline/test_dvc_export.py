from videmo.pipeline.dvc_export import with_the_same_keys


def test_rows_to_plot_have_the_same_keys_though_a_step_measured_less():
    rows = with_the_same_keys([{"step": 1, "reward": 0.5}, {"step": 2, "reward": 0.25, "loss": 0.125}])
    assert rows == [{"step": 1, "reward": 0.5, "loss": None}, {"step": 2, "reward": 0.25, "loss": 0.125}]
    assert with_the_same_keys([]) == []
