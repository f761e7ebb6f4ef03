/*
 * FNV-1a over texts, for tables in memory only. The end of a text counts, so that ("a", "bc") is not
 * ("ab", "c").
 */
#ifndef KUBE_IPVS_MODEL_HASH_H
#define KUBE_IPVS_MODEL_HASH_H

#define HASH_START 2166136261u

static inline unsigned hash_text(unsigned hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash * 16777619u;
}

#endif
