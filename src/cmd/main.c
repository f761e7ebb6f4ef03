#include <stdio.h>

int main(void)
{
	puts("kube-ipvs " KUBE_IPVS_VERSION);
	return 0;
}
