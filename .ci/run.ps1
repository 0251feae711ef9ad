# What .ci/run does, on Windows: README's two commands in a clean clone and a fresh environment, and the linters.
$ErrorActionPreference = "Stop"
Set-Location (Split-Path $PSScriptRoot)

function Step($name, $block) {
    Write-Host "`n== $name"
    & $block
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

$scratch = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
New-Item -ItemType Directory $scratch | Out-Null
$env:NUMBA_CACHE_DIR = Join-Path $scratch "numba"
$bin = Join-Path $scratch "venv\Scripts"

Step "a clean clone" { git clone -q --no-hardlinks . "$scratch\stampbench" }
Set-Location "$scratch\stampbench"
Step "a fresh environment" { python -m venv "$scratch\venv" }
Step "the wheel with what its tests need" { & "$bin\python" -m pip install -q ".[test,lint]" }
Step "tests" { & "$bin\pytest" -q -n auto }
$env:NUMBA_DISABLE_JIT = "1"
Step "kernels without JIT" { & "$bin\pytest" -q -m kernel }
Remove-Item Env:NUMBA_DISABLE_JIT
Step "ruff" { & "$bin\ruff" check . }
Step "ruff format" { & "$bin\ruff" format --check . }
Step "the main job" { & "$bin\stampbench" run quickstart --out "$scratch\run" }
