"""Vision models of transformers, and those that read and see."""
import torch
from small_transformers import config, model

MODELS = {}


def pictures(size=32, channels=3, frames=None):
    def make(which):
        torch.manual_seed(7 + which)
        return (torch.randn(1 + which, *([frames] if frames else []), channels, size, size),)
    return make


def made(value):
    return {k: v() if callable(v) else v for k, v in value.items()}


def add(name, kind, head="AutoModel", size=32, inputs=None, names=("pixel_values",), pick=None, free=None, more=None, channels=3, frames=None, **given):
    MODELS[name] = lambda: dict(model=model(kind, head, **made(given)), names=names, inputs=inputs or pictures(size, channels, frames), pick=pick, free=free or [{0: "n"}] * len(names), more=more or {})


TINY4 = dict(depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], num_stages=4)
RESNET = lambda **more: config("resnet", embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"], **more)
SWIN = lambda **more: config("swin", embed_dim=8, depths=[1, 2, 1, 1], num_heads=[1, 2, 2, 2], window_size=2, patch_size=4, image_size=64, out_features=["stage1", "stage2", "stage3", "stage4"], **more)
BOXES = lambda r: (r.logits, r.pred_boxes)
LOGITS = lambda r: r.logits

add("vit", "vit", "AutoModelForImageClassification")
add("vit_eager", "vit", "AutoModelForImageClassification", attention="eager")
add("deit", "deit", "DeiTForImageClassificationWithTeacher", pick=lambda r: (r.logits, r.cls_logits))
add("beit", "beit", "AutoModelForImageClassification", use_relative_position_bias=True, use_shared_relative_position_bias=False, out_indices=[1, 2], pick=LOGITS)
add("beit_segmentation", "beit", "AutoModelForSemanticSegmentation", use_relative_position_bias=True, num_hidden_layers=4, out_indices=[1, 2, 3, 4], pick=LOGITS)
add("data2vec_vision", "data2vec-vision", "AutoModelForImageClassification", use_shared_relative_position_bias=True, pick=LOGITS)
add("swin", "swin", "AutoModelForImageClassification", 64, embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=4, patch_size=4, **{"image_size": 64}, pick=LOGITS)
add("swin_padded", "swin", "AutoModel", 36, embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=4, patch_size=4, image_size=36)
add("swinv2", "swinv2", "AutoModelForImageClassification", 64, embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=4, patch_size=4, image_size=64, pick=LOGITS)
add("swin2sr", "swin2sr", "Swin2SRForImageSuperResolution", 16, embed_dim=16, depths=[2, 2], num_heads=[2, 2], window_size=4, patch_size=1, image_size=16, num_channels_out=3)
add("convnext", "convnext", "AutoModelForImageClassification", 64, **TINY4, layer_scale_init_value=0.5)
add("convnextv2", "convnextv2", "AutoModelForImageClassification", 64, **TINY4)
add("segformer", "segformer", "AutoModelForSemanticSegmentation", 64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=16, patch_sizes=[7, 3, 3, 3], num_encoder_blocks=4)
add("detr", "detr", "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RESNET, num_queries=7)
for kind in ("conditional_detr", "dab-detr", "table-transformer"): add(kind.replace("-", "_"), kind, "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RESNET)
add("deformable_detr", "deformable_detr", "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RESNET, num_feature_levels=3, encoder_n_points=2, decoder_n_points=2)
add("deformable_detr_two_stage", "deformable_detr", "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RESNET, num_feature_levels=3, encoder_n_points=2, decoder_n_points=2, two_stage=True, with_box_refine=True, two_stage_num_proposals=7)
RT = dict(encoder_hidden_dim=32, encoder_in_channels=[8, 16, 16], feat_strides=[8, 16, 32], encode_proj_layers=[2], decoder_in_channels=[32, 32, 32], num_queries=9, num_feature_levels=3, decoder_n_points=2, num_denoising=0, d_model=32, eval_size=None, decoder_layers=2)
RTNET = lambda: config("rt_detr_resnet", embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"])
add("rt_detr", "rt_detr", "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RTNET, **RT)
add("rt_detr_v2", "rt_detr_v2", "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RTNET, **RT)
add("d_fine", "d_fine", "AutoModelForObjectDetection", 64, pick=BOXES, backbone_config=RTNET, **{**RT, "decoder_n_points": [2, 2, 2]}, max_num_bins=8)
add("yolos", "yolos", "AutoModelForObjectDetection", 32, pick=BOXES, image_size=[32, 32], num_detection_tokens=5)
add("vit_mae", "vit_mae", "AutoModel", mask_ratio=0.0, pick=lambda r: r.last_hidden_state.sum(1))
add("vit_msn", "vit_msn")
add("dinov2", "dinov2", "AutoModelForImageClassification", mlp_ratio=2, layerscale_value=0.5)
add("dinov2_other_size", "dinov2", "AutoModel", 40, mlp_ratio=2, use_swiglu_ffn=True)
add("dinov2_registers", "dinov2_with_registers", mlp_ratio=2, num_register_tokens=2)
add("dinov3_vit", "dinov3_vit", num_register_tokens=2)
add("dinov3_convnext", "dinov3_convnext", "AutoModel", 64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32])
add("ijepa", "ijepa")
add("sam_vision", "sam_vision_model", output_channels=16, window_size=3, global_attn_indexes=[1], num_pos_feats=16, mlp_dim=48)
SAM = dict(vision_config=dict(hidden_size=32, output_channels=16, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8, window_size=3, global_attn_indexes=[1], mlp_dim=48, num_pos_feats=8),
           prompt_encoder_config=dict(hidden_size=16, image_size=32, patch_size=8, mask_input_channels=4), mask_decoder_config=dict(hidden_size=16, num_attention_heads=2, mlp_dim=24, iou_head_hidden_dim=16, iou_head_depth=2))
add("sam", "sam", "SamModel", names=("pixel_values", "input_points", "input_labels"), inputs=lambda w: pictures()(w) + (torch.rand(1 + w, 1, 2, 2) * 32, torch.tensor([[[1, 0]]]).repeat(1 + w, 1, 1)), pick=lambda r: (r.iou_scores, r.pred_masks), **SAM)
add("dpt", "dpt", "AutoModelForDepthEstimation", image_size=32, patch_size=8, num_hidden_layers=4, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8)
add("dpt_segmentation", "dpt", "AutoModelForSemanticSegmentation", image_size=32, patch_size=8, num_hidden_layers=4, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8, use_batch_norm_in_fusion_residual=True, pick=LOGITS)
add("depth_anything", "depth_anything", "AutoModelForDepthEstimation", 32, backbone_config=lambda: config("dinov2", image_size=32, patch_size=8, num_hidden_layers=4, out_indices=[1, 2, 3, 4], apply_layernorm=True, reshape_hidden_states=False), patch_size=8, neck_hidden_sizes=[8, 8, 16, 16], reassemble_hidden_size=32, fusion_hidden_size=8, head_hidden_size=8)
add("zoedepth", "zoedepth", "AutoModelForDepthEstimation", 32, backbone_config=lambda: config("beit", image_size=32, patch_size=8, num_hidden_layers=4, out_indices=[1, 2, 3, 4], use_relative_position_bias=True, reshape_hidden_states=False), neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8, bottleneck_features=8, num_attractors=[4, 2, 2, 1], bin_embedding_dim=8, num_relative_features=8, backbone_hidden_size=32)
add("glpn", "glpn", "AutoModelForDepthEstimation", 64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=16)
MOBILE = dict(hidden_sizes=[16, 16, 24], neck_hidden_sizes=[4, 8, 8, 16, 16, 16, 24], image_size=64, patch_size=2, aspp_out_channels=8)
add("mobilevit", "mobilevit", "AutoModelForImageClassification", 64, **MOBILE)
add("mobilevit_segmentation", "mobilevit", "AutoModelForSemanticSegmentation", 64, **MOBILE)
add("mobilevitv2", "mobilevitv2", "AutoModelForImageClassification", 64, image_size=64, patch_size=2, width_multiplier=0.125, base_attn_unit_dims=[32, 48, 64])
add("mobilenet_v1", "mobilenet_v1", "AutoModelForImageClassification", 64, depth_multiplier=0.25, min_depth=4)
add("mobilenet_v2", "mobilenet_v2", "AutoModelForImageClassification", 64, depth_multiplier=0.25, min_depth=4)
add("efficientnet", "efficientnet", "AutoModelForImageClassification", 64, width_coefficient=0.25, depth_coefficient=0.3, hidden_dim=64)
add("levit", "levit", "LevitForImageClassificationWithTeacher", 64, image_size=64, hidden_sizes=[16, 24, 32], num_attention_heads=[2, 3, 4], depths=[1, 1, 1], key_dim=[4, 4, 4], patch_size=16, pick=lambda r: (r.logits, r.cls_logits))
add("poolformer", "poolformer", "AutoModelForImageClassification", 64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], patch_sizes=[7, 3, 3, 3], layer_scale_init_value=0.5, pick=LOGITS)
add("resnet", "resnet", "AutoModelForImageClassification", 64, embedding_size=8, hidden_sizes=[16, 16, 32, 32], depths=[1, 1, 1, 1])
add("regnet", "regnet", "AutoModelForImageClassification", 64, embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], groups_width=8)
add("bit", "bit", "AutoModelForImageClassification", 64, embedding_size=8, hidden_sizes=[32, 32, 64, 64], depths=[1, 1, 1, 1], num_groups=4)
add("cvt", "cvt", "AutoModelForImageClassification", 64, embed_dim=[8, 16, 32], num_heads=[1, 2, 4], depth=[1, 2, 3])
add("pvt", "pvt", "AutoModelForImageClassification", 64, image_size=64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], num_attention_heads=[1, 2, 2, 4], patch_sizes=[4, 2, 2, 2])
add("pvt_v2", "pvt_v2", "AutoModelForImageClassification", 64, image_size=64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], num_attention_heads=[1, 2, 2, 4], patch_sizes=[7, 3, 3, 3], linear_attention=True)
add("focalnet", "focalnet", "AutoModelForImageClassification", 64, image_size=64, patch_size=4, embed_dim=8, hidden_sizes=[8, 16], depths=[1, 1], focal_levels=[2, 2], focal_windows=[3, 3], use_layerscale=True, layerscale_value=0.5)
add("hiera", "hiera", "AutoModelForImageClassification", 64, image_size=[64, 64], embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 4], patch_size=[7, 7], patch_stride=[4, 4], patch_padding=[3, 3])
add("swiftformer", "swiftformer", "AutoModelForImageClassification", 64, depths=[1, 1, 1, 1], embed_dims=[8, 16, 24, 32], layer_scale_init_value=0.5)
add("textnet", "textnet", "AutoModelForImageClassification", 64, stem_out_channels=8, hidden_sizes=[8, 8, 16, 16, 16], conv_layer_kernel_sizes=[[[3, 3]], [[3, 1]], [[1, 3]], [[3, 3]]], conv_layer_strides=[[1], [2], [1], [2]], image_size=64)
add("hgnet_v2", "hgnet_v2", "AutoModelForImageClassification", 64, embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], stem_channels=[3, 8, 8], stage_in_channels=[8, 8, 16, 16], stage_mid_channels=[8, 8, 8, 8], stage_out_channels=[8, 16, 16, 32], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[2, 2, 2, 2])
add("imagegpt", "imagegpt", "AutoModel", names=("input_ids",), inputs=lambda w: (torch.randint(0, 90, (1 + w, 16), generator=torch.Generator().manual_seed(w)),), more={"use_cache": False}, n_positions=64)
for kind in ("videomae", "timesformer", "vivit"):
    add(kind, kind, "AutoModelForVideoClassification", frames=4, num_frames=4, **(dict(tubelet_size=[2, 8, 8]) if kind == "vivit" else {}), pick=LOGITS)
add("vjepa2", "vjepa2", "AutoModel", frames=4, names=("pixel_values_videos",), crop_size=32, frames_per_clip=4, pred_hidden_size=32, pred_num_attention_heads=4, pred_num_hidden_layers=1, mlp_ratio=2)
MASK = dict(fpn_feature_size=32, mask_feature_size=32)
add("maskformer", "maskformer", "AutoModelForInstanceSegmentation", 64, pick=lambda r: (r.class_queries_logits, r.masks_queries_logits), backbone_config=SWIN, decoder_config=lambda: config("detr", num_queries=5, backbone_config=RESNET(), d_model=16, decoder_layers=2, decoder_attention_heads=2), **MASK)
add("mask2former", "mask2former", "AutoModelForUniversalSegmentation", 64, pick=lambda r: (r.class_queries_logits, r.masks_queries_logits), backbone_config=SWIN, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32, dim_feedforward=32, num_attention_heads=2, num_queries=5, encoder_layers=1, decoder_layers=3)
add("upernet", "upernet", "AutoModelForSemanticSegmentation", 64, pick=LOGITS, backbone_config=lambda: config("convnext", **TINY4, out_features=["stage1", "stage2", "stage3", "stage4"]), hidden_size=16, auxiliary_channels=8, auxiliary_in_channels=24, pool_scales=[1, 2])
add("vitmatte", "vitmatte", "VitMatteForImageMatting", 32, channels=4, backbone_config=lambda: config("vitdet", image_size=32, patch_size=16, num_channels=4, window_size=0, out_features=["stage2"], hidden_size=16, num_attention_heads=2), hidden_size=16, convstream_hidden_sizes=[8, 8, 8], fusion_hidden_sizes=[16, 16, 8, 8])
add("vitdet", "vitdet", "AutoModel", window_size=2, window_block_indices=[0], use_relative_position_embeddings=True)
add("vitpose", "vitpose", "VitPoseForPoseEstimation", 32, backbone_config=lambda: config("vitpose_backbone", image_size=[32, 32], patch_size=[8, 8], num_experts=1, out_features=["stage2"]), num_labels=4)
add("superpoint", "superpoint", "SuperPointForKeypointDetection", 64, encoder_hidden_sizes=[8, 8, 8, 8], decoder_hidden_size=16, keypoint_decoder_dim=65, descriptor_decoder_dim=16, max_keypoints=5, keypoint_threshold=-1.0)

CLIP = dict(text_config=dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, vocab_size=96, max_position_embeddings=24, eos_token_id=95), vision_config=dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, image_size=32, patch_size=8))


def reading(length=7, mask=True, more=()):
    def make(which):
        torch.manual_seed(11 + which)
        ids = torch.randint(3, 90, (2, length))
        ids[:, -1] = 95
        return (ids,) + ((torch.ones(2, length, dtype=torch.int64),) if mask else ()) + pictures()(1) + tuple(more)
    return make


TEXT = ("input_ids", "attention_mask", "pixel_values")
PAIR = lambda r: (r.logits_per_image, r.text_embeds, r.image_embeds)
for kind in ("clip", "metaclip_2", "altclip", "chinese_clip"): add(kind.replace("-", "_"), kind, "AutoModel", names=TEXT, inputs=reading(), pick=PAIR, **CLIP)
add("siglip", "siglip", "AutoModel", names=("input_ids", "pixel_values"), inputs=reading(24, False), pick=PAIR, **CLIP)
add("clipseg", "clipseg", "CLIPSegForImageSegmentation", names=TEXT, inputs=reading(), pick=LOGITS, extract_layers=[0, 1], reduce_dim=16, decoder_num_attention_heads=4, decoder_intermediate_size=32, projection_dim=16, conditional_layer=0, **CLIP)
add("clip_vision", "clip_vision_model", "CLIPVisionModelWithProjection")
add("clip_text", "clip_text_model", "CLIPTextModelWithProjection", names=("input_ids",), inputs=lambda w: reading()(w)[:1], eos_token_id=95)
add("owlvit", "owlvit", "OwlViTForObjectDetection", projection_dim=32, names=TEXT, inputs=lambda w: reading(7)(w)[:2] + pictures()(0), pick=lambda r: (r.logits, r.pred_boxes), **CLIP)
add("owlv2", "owlv2", "Owlv2ForObjectDetection", projection_dim=32, names=TEXT, inputs=lambda w: reading(7)(w)[:2] + pictures()(0), pick=lambda r: (r.logits, r.pred_boxes, r.objectness_logits), **CLIP)
BLIP = dict(CLIP, text_config=dict(CLIP["text_config"], encoder_hidden_size=32, eos_token_id=2))
add("blip", "blip", "BlipForImageTextRetrieval", names=("input_ids", "pixel_values", "attention_mask"), inputs=lambda w: tuple(reading()(w)[k] for k in (0, 2, 1)), pick=lambda r: r.itm_score, **BLIP)
add("blip_caption", "blip", "BlipForConditionalGeneration", names=("pixel_values", "input_ids", "attention_mask"), inputs=lambda w: tuple(reading()(w)[k] for k in (2, 0, 1)), pick=LOGITS, **BLIP)
add("vilt", "vilt", "AutoModel", names=("input_ids", "pixel_values", "pixel_mask"), inputs=lambda w: reading(7, False)(w) + (torch.ones(2, 32, 32, dtype=torch.int64),))
add("git", "git", "AutoModelForCausalLM", names=TEXT, inputs=reading(), pick=LOGITS, vision_config=CLIP["vision_config"], more={"use_cache": False})
add("donut", "donut-swin", "AutoModel", 64, embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=4, patch_size=4, image_size=64)
add("groupvit", "groupvit", "AutoModel", names=TEXT, inputs=reading(), pick=PAIR, **dict(CLIP, vision_config=dict(hidden_size=32, depths=[1, 1, 0], num_hidden_layers=2, num_group_tokens=[4, 2, 0], num_output_groups=[4, 2, 2], num_attention_heads=4, intermediate_size=48, image_size=32, patch_size=8)))
add("layoutlmv3", "layoutlmv3", "AutoModel", names=("input_ids", "bbox", "attention_mask", "pixel_values"), inputs=lambda w: (reading()(w)[0], torch.randint(0, 30, (2, 7, 4), generator=torch.Generator().manual_seed(w)).cumsum(-1)) + reading()(w)[1:], input_size=32, patch_size=8, coordinate_size=6, shape_size=4, max_2d_position_embeddings=128, rel_pos_bins=8, rel_2d_pos_bins=8, max_rel_pos=16, max_rel_2d_pos=32)
add("pix2struct_vision", "pix2struct_vision_model", "Pix2StructVisionModel", names=("flattened_patches", "attention_mask"), inputs=lambda w: (torch.cat([torch.arange(6.0).view(1, 6, 1).repeat(1 + w, 1, 2), torch.randn(1 + w, 6, 192, generator=torch.Generator().manual_seed(w))], -1), torch.ones(1 + w, 6)), d_kv=8, d_ff=48, seq_len=16, patch_embed_hidden_size=192, patch_size=8)
LLM = dict(text_config=dict(model_type="llama", vocab_size=96, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=48, max_position_embeddings=64, pad_token_id=0))
add("llava", "llava", "AutoModelForImageTextToText", names=TEXT, inputs=lambda w: (torch.cat([torch.full((1, 16), 95), torch.arange(3, 9)[None]], 1), torch.ones(1, 22, dtype=torch.int64)) + pictures()(0), pick=LOGITS, image_token_index=95, vision_config=dict(CLIP["vision_config"], model_type="clip_vision_model"), more={"use_cache": False}, **LLM)
