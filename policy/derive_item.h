#pragma once

namespace swipegym {

/// What ItemInputs::derived holds of a video with these features: [kVideoFeatures] to [kDerivedItemFeatures].
void derive_item(const float* features, float* derived) noexcept;

}  // namespace swipegym
