"""torchvision's vision transformer in the size of ViT-Tiny, AdamW."""

import torch
from harness import main, trained
from torchvision.models.vision_transformer import VisionTransformer

RENAMES = [
    (r"^layers\.(\d+)\.", r"encoder.layers.encoder_layer_\1."),
    (r"self_attn", "self_attention"),
    (r"norm(\d)", r"ln_\1"),
    (r"linear1", "mlp.0"),
    (r"linear2", "mlp.3"),
    (r"^pos_embedding", "encoder.pos_embedding"),
    (r"^ln\.", "encoder.ln."),
    (r"^head\.", "heads.head."),
]


def adamw(parameters, **update):
    return torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.05, **update)


def make(peer, given):
    net = VisionTransformer(image_size=224, patch_size=16, num_layers=12, num_heads=3, hidden_dim=192, mlp_dim=768)
    return trained(net, adamw, 4, 224, given, peer, RENAMES)


main(make)
