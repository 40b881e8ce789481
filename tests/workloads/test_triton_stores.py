"""Where a host keeps things: the volume or the bucket of its engines, and its local drives."""

from pathlib import Path

import pytest

from tests.workloads.triton_host import Host, changing, outcomes


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "host")


def test_a_volume_with_engines_is_not_formatted(host: Host) -> None:
    (host.state / "content-oraclevdb").write_text("ext4\n")
    status, _, ran = host.boot()
    assert status == 0
    assert not [line for line in ran if line.startswith("mkfs")]
    assert (host.etc / "fstab").read_text() == f"UUID=uuid-oraclevdb {host.models} ext4 defaults,_netdev,nofail 0 2\n"


def test_a_volume_with_anything_else_is_left_alone(host: Host) -> None:
    (host.state / "content-oraclevdb").write_text("LVM2_member\n")
    status, said, ran = host.boot()
    assert status == 1
    assert said[-1].startswith("25-engine-store: failed")
    assert "holds LVM2_member, and is not touched" in host.log
    assert not [line for line in ran if line.startswith(("mkfs", "mount "))]


def test_a_volume_that_does_not_come_is_a_failure(host: Host) -> None:
    Path(host.facts["engine_device"]).unlink()
    status, _, ran = host.boot()
    assert status == 1
    assert "is not attached" in host.log
    assert len([line for line in ran if line.startswith("sleep")]) == 60


def test_another_host_takes_the_engine_from_the_bucket(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    first = Host(tmp_path / "first", bucket=bucket)
    status, said, _ = first.boot()
    assert status == 0, first.log
    assert outcomes(said)["65-save-engine"] == "done"

    second = Host(tmp_path / "second", bucket=bucket)
    status, said, ran = second.boot()
    assert status == 0, second.log
    assert [outcomes(said)[step] for step in ("50-saved-engine", "55-weights", "60-engine", "65-save-engine")] == [
        "done",
        "skipped",
        "skipped",
        "skipped",
    ]
    assert not [line for line in ran if line.startswith(("git", "trtllm-build", "oci secrets"))]
    assert (second.store / "engine" / "rank0.engine").exists()
    assert (second.store / "tokenizer" / "tokenizer.model").exists()
    assert changing(second.boot()[2]) == []


def test_an_engine_of_the_bucket_for_other_gpus_is_built_again(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    Host(tmp_path / "first", bucket=bucket).boot()
    second = Host(tmp_path / "second", bucket=bucket)
    (second.state / "gpus").write_text("NVIDIA H100 80GB HBM3\n" * 8)
    status, said, ran = second.boot()
    assert status == 0, second.log
    assert outcomes(said)["60-engine"] == "done"
    assert not [line for line in ran if "bulk-download" in line]
    assert "H100" in (bucket / "triton/mistralai/mixtral-8x7b-instruct-v0.1/tp8/built-for").read_text()


def test_local_drives_become_one_volume(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", nvme=True)
    (host.state / "drives").write_text("/dev/nvme0n1\n/dev/nvme1n1\n")
    status, said, ran = host.boot()
    assert status == 0, host.log
    assert outcomes(said)["15-local-drives"] == "done"
    (created,) = [line for line in ran if line.startswith("mdadm --create")]
    assert created.endswith("--level=0 --chunk=256 --raid-devices=2 /dev/nvme0n1 /dev/nvme1n1")
    assert f" {host.work} xfs defaults,nofail 0 2\n" in (host.etc / "fstab").read_text()
    assert changing(host.boot()[2]) == []


def test_local_drives_that_hold_something_are_left_alone(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", nvme=True)
    (host.state / "drives").write_text("/dev/nvme0n1\n/dev/nvme1n1\n")
    (host.state / "content-nvme1n1").write_text("xfs\n")
    status, _, ran = host.boot()
    assert status == 1
    assert "/dev/nvme1n1 holds xfs, and is not touched" in host.log
    assert not [line for line in ran if line.startswith(("mdadm --create", "mkfs"))]


def test_a_shape_without_local_drives_is_told(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", nvme=True)
    assert host.boot()[0] == 1
    assert "this shape has no local NVMe drives" in host.log
