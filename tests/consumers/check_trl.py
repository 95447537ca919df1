"""TRL: two real steps of DPOTrainer on `trl_dpo`, with a tiny Qwen2.5-VL made here and untrained."""

from __future__ import annotations

import tempfile
from pathlib import Path

import datasets
import torch
import transformers
import trl
from finding import DATASET, EXPECTED, found
from tiny_qwen import write_tiny_qwen
from trl import DPOConfig, DPOTrainer

found(f"trl {trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
torch.manual_seed(0)
with tempfile.TemporaryDirectory() as folder:
    texts = [pair["chosen"] for pair in EXPECTED["mix"]["train"]]
    model, processor = write_tiny_qwen(Path(folder) / "model", texts)
    rows = datasets.load_dataset(str(DATASET), "trl_dpo", split="train", cache_dir=folder)
    assert len(rows) == len(EXPECTED["mix"]["train"])
    before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    arguments = DPOConfig(
        output_dir=folder,
        max_steps=2,
        per_device_train_batch_size=2,
        learning_rate=1e-2,
        max_length=None,
        report_to=[],
        logging_steps=1,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        save_strategy="no",
    )
    trainer = DPOTrainer(model=model, args=arguments, train_dataset=rows, processing_class=processor)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    moved = [
        name
        for name, tensor in trainer.model.named_parameters()
        if not torch.equal(tensor.cpu(), before[name])
    ]
assert len(losses) == 2, losses
assert all(torch.isfinite(torch.tensor(losses))), losses
assert any("visual" in name for name in moved), "no tensor of the vision tower moved: it saw no image"
found(f"DPOTrainer: 2 steps, losses {', '.join(f'{loss:.4f}' for loss in losses)}")
found(f"{len(moved)} of {len(before)} tensors moved, those of the vision tower among them")
