/** One vocabulary for what the live pages say; the same words as the server's pages. */

export const TIERS = { province: "省级", city: "市级", district: "区县", township: "街道乡镇" };
/** From the top of the hierarchy to the petitioner's side: the order of tiles and lists. */
export const TIER_ORDER = ["province", "city", "district", "township"];

export const ROLES = {
  host: "主持接访",
  joint_receptionist: "联合接访",
  department: "责任单位",
  petitioner: "信访人",
  proxy: "代理人",
  companion: "陪同",
  interpreter: "翻译",
  third_party: "第三方",
  recorder: "记录员",
  observer: "旁听",
};

/** The badge: a word and an icon for each state, never the colour alone. */
export const RECORDING_STATES = {
  off: { text: "未录音录像", icon: "ring" },
  preparing: { text: "录音录像准备中", icon: "ring" },
  active: { text: "正在录音录像", icon: "dot" },
  paused: { text: "录音录像已暂停", icon: "pause" },
  faulty: { text: "录制异常", icon: "warning" },
  stopped: { text: "录音录像已结束", icon: "square" },
};

export const NETWORK = { good: "网络良好", fair: "网络一般", poor: "网络较差", lost: "网络断开" };

const CITIZEN_SIDE = new Set(["petitioner", "proxy", "companion", "interpreter", "third_party"]);

export function isCitizenSide(role) {
  return CITIZEN_SIDE.has(role);
}

/** The label in front of a name: the tier of an official, else the role. */
export function standing({ tier, role }) {
  return TIERS[tier] || ROLES[role] || "参加人";
}

/** Sorts by tier from the province down, petitioners last, otherwise as they came in. */
export function byTier(participants) {
  const rank = ({ tier }) => (TIER_ORDER.indexOf(tier) + TIER_ORDER.length + 1) % (TIER_ORDER.length + 1);
  return participants.map((entry, place) => ({ entry, place }))
    .sort((a, b) => rank(a.entry) - rank(b.entry) || a.place - b.place)
    .map(({ entry }) => entry);
}
